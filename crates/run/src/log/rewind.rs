//! Going back to an earlier step.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::{Log, Steps};
use crate::error::RunError;
use crate::folder::{METRICS, RunFolder, SET_ASIDE};
use crate::storage::{free_name, replace_file};

/// A run that is back at an earlier step.
#[derive(Debug)]
pub struct Rewound {
    /// To go on with.
    pub log: Log,
    /// What was there of later steps.
    pub set_aside: SetAside,
    /// The steps before of which the log has no line. They stay as they are; nothing can bring them back.
    pub missing: Vec<RangeInclusive<u64>>,
}

/// What was saved after the step to which a run goes back, under its new names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SetAside {
    /// The newest first.
    pub checkpoints: Vec<PathBuf>,
    /// Frames of the film, the earliest first.
    pub frames: Vec<PathBuf>,
    /// The lines of the log.
    pub lines: Option<PathBuf>,
}

/// The lines that are kept, those that are not, and the steps that are missing.
type Split = (Vec<u8>, Vec<u8>, Vec<RangeInclusive<u64>>);

impl RunFolder {
    /// Goes back to `step` and opens `metrics.jsonl` to go on after it.
    ///
    /// Where a later checkpoint is there, or was there by the log, it is set aside with the lines and frames after
    /// `step`. Otherwise a process died after its last checkpoint: the lines and frames since then are removed, because
    /// they will happen again.
    ///
    /// The log gets a file of its own, so that a copy of the run that consists of hard links keeps its lines.
    ///
    /// # Errors
    /// If something cannot be read, renamed or written.
    pub fn rewind(&self, step: u64) -> Result<Rewound, RunError> {
        let path = self.path.join(METRICS);
        let is_saved = self.step_folders()?.iter().any(|checkpoint| checkpoint.step == step);
        let from = if is_saved { self.description_at(Some(step))? } else { None };
        let first = from.map_or(0, |(_, description)| description.first_step());
        let (kept, later, missing) = self.split_log(step, first)?;
        let mut set_aside = SetAside::default();
        // In this order: what is to be kept is safe before the checkpoint goes without which it would be removed; and a
        // log that is longer than the checkpoints is cut by the next start, where a gap would stay.
        let is_there = self.step_folders()?.last().is_some_and(|newest| newest.step > step);
        if is_there || self.saved_step()?.is_some_and(|saved| saved > step) {
            if !later.is_empty() {
                let name = free_name(&*self.storage, &path, SET_ASIDE)?;
                replace_file(&*self.storage, &name, &later)?;
                set_aside.lines = Some(name);
            }
            set_aside.frames = self.set_snapshots_aside_after(step)?;
            set_aside.checkpoints = self.set_aside_after(step)?;
        }
        self.remove_snapshots_after(step)?;
        replace_file(&*self.storage, &path, &kept)?;
        Ok(Rewound { log: self.open_log(kept.len() as u64), set_aside, missing })
    }

    /// The last step that the log reports as saved.
    pub(crate) fn saved_step(&self) -> Result<Option<u64>, RunError> {
        let mut saved = None;
        self.for_each_line(|line| {
            let event = line.object().filter(|event| event["event"] == "saved");
            saved = saved.max(event.and_then(|event| event["step"].as_u64()));
        })?;
        Ok(saved)
    }

    /// The lines up to a step, those after it with all that is no event, and the steps without a line of a run that
    /// began at `first`. Of a line that is longer than any that is written only the beginning is kept.
    fn split_log(&self, step: u64, first: u64) -> Result<Split, RunError> {
        let (mut kept, mut later, mut steps) = (Vec::new(), Vec::new(), Steps::after(first));
        self.for_each_line(|line| {
            let is_kept = line.object().is_some_and(|event| {
                let is_kept = event["event"] != "done" && event["step"].as_u64().is_none_or(|at| at <= step);
                if is_kept {
                    // A resume changes no line that is there, whatever is wrong with it.
                    let _ = steps.take(&event);
                }
                is_kept
            });
            let text = line.text.strip_suffix(b"\n").unwrap_or(&line.text);
            if !text.is_empty() {
                let lines = if is_kept { &mut kept } else { &mut later };
                lines.extend_from_slice(text);
                lines.push(b'\n');
            }
        })?;
        Ok((kept, later, steps.missing_up_to(step)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Outcome, run, steps_of};
    use crate::log::Event;
    use std::fs;

    const SAVED: &str = "{\"event\":\"saved\",\"step\":5,\"path\":\"x\"}\n";
    const LATER: &str = "{\"event\":\"step\",\"step\":6}\n{\"event\":\"done\",\"step\":5}\n";

    fn frames_of(run: &RunFolder) -> Result<Vec<u64>, RunError> {
        Ok(run.snapshots()?.into_keys().collect())
    }

    #[test]
    fn what_a_lost_checkpoint_left_behind_is_set_aside() -> Outcome {
        let (folder, run) = run(&[0, 5])?;
        let saved = SAVED.replace("5,", "9,");
        fs::write(run.path().join(METRICS), SAVED.to_owned() + LATER + &saved)?;
        run.write_snapshot(6, b"frame")?;
        let rewound = run.rewind(5)?;
        assert_eq!(rewound.set_aside.lines, Some(folder.path().join("metrics.jsonl.set-aside")));
        assert_eq!((rewound.set_aside.frames.len(), rewound.set_aside.checkpoints.len()), (1, 0));
        assert_eq!(
            fs::read_to_string(folder.path().join("metrics.jsonl.set-aside"))?,
            LATER.to_owned() + &saved
        );
        Ok(())
    }

    #[test]
    fn a_run_whose_checkpoints_were_taken_away_does_not_begin_again() -> Outcome {
        let (_folder, run) = run(&[])?;
        assert_eq!(run.checkpoints_to_resume(None)?.len(), 0);
        fs::write(run.path().join(METRICS), SAVED)?;
        let message = run.checkpoints_to_resume(None).expect_err("lost").to_string();
        assert!(message.contains("one of step 5 as saved; put them back"), "{message}");
        Ok(())
    }

    #[test]
    fn going_back_sets_everything_later_aside_under_free_names() -> Outcome {
        let (folder, run) = run(&[0, 5, 10, 15])?;
        for number in ["", "-2"] {
            for step in [5, 6, 15] {
                run.write_snapshot(step, b"frame")?;
            }
            run.write_checkpoint(15, &crate::fixtures::contents(15))?;
            fs::write(run.path().join(METRICS), SAVED.to_owned() + LATER + "{\"event\":\"do")?;
            let mut rewound = run.rewind(5)?;
            let name = |name: &str| folder.path().join(format!("{name}.set-aside{number}"));
            let SetAside { checkpoints, frames, lines } = &rewound.set_aside;
            assert_eq!(checkpoints[0], name("checkpoints/step-00000015"));
            assert_eq!(*frames, [6, 15].map(|step| name(&format!("snapshots/step-{step:08}.safetensors"))));
            assert_eq!(*lines, Some(name("metrics.jsonl")));
            assert_eq!(fs::read_to_string(name("metrics.jsonl"))?, LATER.to_owned() + "{\"event\":\"do\n");
            assert_eq!((steps_of(&run)?, frames_of(&run)?), (vec![0, 5], vec![5]));
            let saved = Event::Saved { step: 5, path: "x".to_owned() };
            assert_eq!((run.events()?, run.done()?), (vec![saved.clone()], None));
            saved.write(&mut rewound.log)?;
            assert_eq!(fs::read_to_string(run.path().join(METRICS))?, SAVED.repeat(2));
        }
        Ok(())
    }

    #[test]
    fn what_happened_after_the_last_checkpoint_happens_again_and_is_removed() -> Outcome {
        let (folder, run) = run(&[0, 5])?;
        for step in [5, 6] {
            run.write_snapshot(step, b"frame")?;
        }
        fs::write(run.path().join(METRICS), SAVED.to_owned() + LATER)?;
        assert_eq!(run.rewind(5)?.set_aside, SetAside::default());
        assert_eq!(
            (fs::read_to_string(run.path().join(METRICS))?.as_str(), frames_of(&run)?),
            (SAVED, vec![5])
        );
        assert_eq!(fs::read_dir(folder.path().join("snapshots"))?.count(), 1);
        assert!(!folder.path().join("metrics.jsonl.set-aside").exists());
        Ok(())
    }
}
