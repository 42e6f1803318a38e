//! What a list of runs shows of each: neither a tensor nor the middle of a log is read for it.

use std::path::Path;

use toml::Table;

use super::lock::LOCK;
use super::{CHECKPOINTS, METRICS, RunFolder};
use crate::error::RunError;
use crate::log::{EvaluatedOn, Evaluation, Event};
use crate::storage::{EntryKind, Storage};

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// The name of its task, where its config can be read.
    pub task: Option<String>,
    /// Steps completed, as far as they were logged or saved.
    pub step: u64,
    /// Steps of the whole run, where its config can be read.
    pub steps: Option<u64>,
    /// The last evaluation in its log: on what, after which step, and the figures.
    pub evaluation: Option<(EvaluatedOn, u64, Evaluation)>,
    /// Whether it goes on.
    pub state: RunState,
    /// When it was first started: UTC, RFC 3339; early logs lack it.
    pub started: Option<String>,
    /// What its files take.
    pub bytes: u64,
}

/// Whether a run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    /// A process trains it now.
    Training,
    /// It came to its end.
    Finished,
    /// It was stopped, or its process died.
    Stopped,
    /// With what is wrong with it, as far as names and the config show that; [`RunFolder::verify`] reads every byte.
    Damaged(String),
}

/// The end of a log that is read at first: about 400 steps.
const FIRST_LOOK: u64 = 1 << 16;

/// Where no evaluation is in it, so many times more is read.
const LONGER: u64 = 8;

/// The first line of a log has a few names and a path.
const MAX_FIRST_LINE: u64 = 1 << 16;

impl RunFolder {
    /// Where the run stands. Damage is no error but a [state](RunState::Damaged).
    pub fn overview(&self) -> Overview {
        let config = self.named_in_config();
        let end = self.end_of_log();
        let checkpoints = self.check_names();
        let saved = self.step_folders().ok().and_then(|folders| Some(folders.last()?.step));
        let bytes = bytes_in(&*self.storage, &self.path);
        let events = end.as_deref().unwrap_or_default();
        let log = self.check_log(events, saved);
        let fault = [
            config.as_ref().err(),
            end.as_ref().err(),
            checkpoints.err().as_ref(),
            log.err().as_ref(),
            bytes.as_ref().err(),
        ]
        .into_iter()
        .flatten()
        .next()
        .map(ToString::to_string);
        let state = match (fault, events.last()) {
            // What is read while it is written may be half there.
            _ if self.is_held() => RunState::Training,
            (Some(fault), _) => RunState::Damaged(fault),
            (None, Some(Event::Done { .. })) => RunState::Finished,
            (None, _) => RunState::Stopped,
        };
        let evaluation = events.iter().rev().find_map(evaluation);
        let step = events.last().map_or(0, step).max(saved.unwrap_or(0));
        let (task, steps) = config.unwrap_or_default();
        let bytes = bytes.unwrap_or_default();
        Overview { task, step, steps, evaluation, state, started: self.started(), bytes }
    }

    /// The name of the task, and the number of steps.
    fn named_in_config(&self) -> Result<(Option<String>, Option<u64>), RunError> {
        let text = self.config()?;
        let config: Table = text.parse().map_err(|error: toml::de::Error| {
            RunError::damaged(&self.path.join(super::CONFIG), format!("it is no TOML: {}", error.message()))
        })?;
        let task = config.get("task").and_then(|task| task.get("name").unwrap_or(task).as_str());
        let steps = config.get("train").and_then(|train| train.get("steps")?.as_integer());
        Ok((task.map(str::to_owned), steps.and_then(|steps| steps.try_into().ok())))
    }

    /// The last events, back to an evaluation if there is any; none in a run that was stopped before its first event.
    fn end_of_log(&self) -> Result<Vec<Event>, RunError> {
        let path = self.path.join(METRICS);
        let failed = |error| RunError::io("read", &path)(error);
        let Some(entry) = self.storage.entry(&path).map_err(failed)? else { return Ok(Vec::new()) };
        let mut length = FIRST_LOOK;
        loop {
            let end = self.storage.read_end(&path, length).map_err(failed)?;
            // A line that begins before the end is cut, and is no event.
            let events: Vec<Event> = Event::parse_log(&end).collect();
            if length >= entry.size || events.iter().any(|event| evaluation(event).is_some()) {
                return Ok(events);
            }
            length = length.saturating_mul(LONGER);
        }
    }

    fn started(&self) -> Option<String> {
        let start = self.storage.read_start(&self.path.join(METRICS), MAX_FIRST_LINE).ok()?;
        match serde_json::from_slice(start.split(|&byte| byte == b'\n').next()?).ok()? {
            Event::Start { environment, .. } => Some(environment?.time),
            _ => None,
        }
    }

    /// Whether every checkpoint has all of its files, and one is left where the log reports any as saved.
    fn check_names(&self) -> Result<(), RunError> {
        let folders = self.step_folders()?;
        if folders.is_empty()
            && let Some(step) = self.saved_step()?
        {
            return Err(RunError::CheckpointsGone { path: self.path.join(CHECKPOINTS), step });
        }
        for checkpoint in folders {
            if !checkpoint.is_complete()? {
                let what = "it lacks MANIFEST.json, model.safetensors or config.json".to_owned();
                return Err(RunError::damaged(&checkpoint.folder, what));
            }
        }
        Ok(())
    }

    /// Whether the log has what comes before every checkpoint.
    fn check_log(&self, events: &[Event], saved: Option<u64>) -> Result<(), RunError> {
        match saved.filter(|&step| step > 0 && events.is_empty()) {
            None => Ok(()),
            Some(step) => {
                let what = format!("it has no event, and a checkpoint of step {step} was saved");
                Err(RunError::damaged(&self.path.join(METRICS), what))
            }
        }
    }

    /// Whether a process holds its lock.
    fn is_held(&self) -> bool {
        self.storage.is_locked(&self.path.join(LOCK)).unwrap_or(false)
    }
}

fn evaluation(event: &Event) -> Option<(EvaluatedOn, u64, Evaluation)> {
    match event {
        Event::Eval { split, step, evaluation } => Some((*split, *step, evaluation.clone())),
        Event::Done { step, evaluation, .. } => Some((EvaluatedOn::Test, *step, evaluation.clone())),
        _ => None,
    }
}

fn step(event: &Event) -> u64 {
    match event {
        Event::Step(report) => report.step,
        Event::Custom(report) => report.step,
        Event::Start { step, .. }
        | Event::Eval { step, .. }
        | Event::Saved { step, .. }
        | Event::Done { step, .. } => *step,
    }
}

/// The bytes of all files in a folder; a link counts as itself, and what vanishes meanwhile as nothing.
fn bytes_in(storage: &dyn Storage, folder: &Path) -> Result<u64, RunError> {
    let mut bytes = 0;
    for name in storage.list(folder).map_err(RunError::io("read", folder))? {
        let path = folder.join(name);
        bytes += match storage.entry(&path).map_err(RunError::io("read", &path))? {
            Some(entry) if entry.kind == EntryKind::Folder => bytes_in(storage, &path).unwrap_or(0),
            Some(entry) => entry.size,
            None => 0,
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Outcome, run};
    use std::fs;

    const START: &str = "{\"event\":\"start\",\"step\":0,\"task\":\"sort\",\"seed\":3,\"steps\":9,\"parameters\":1,\
         \"version\":\"\",\"commit\":\"\",\"burn\":\"\",\"device\":\"\",\"threads\":1,\"processor\":\"\",\
         \"precision\":\"\",\"time\":\"2026-01-02T03:04:05Z\"}\n";

    #[test]
    fn a_run_is_training_stopped_finished_or_damaged() -> Outcome {
        let (folder, run) = run(&[0, 5])?;
        let log = |lines: &str| fs::write(folder.path().join(METRICS), START.to_owned() + lines);
        log("{\"event\":\"step\",\"step\":5}\n{\"event\":\"step\",\"st")?;
        let stopped = run.overview();
        assert_eq!((stopped.task.as_deref(), stopped.step, stopped.steps), (Some("sort"), 5, Some(9)));
        assert_eq!((stopped.state, stopped.evaluation), (RunState::Stopped, None));
        assert_eq!(stopped.started.as_deref(), Some("2026-01-02T03:04:05Z"));
        let held = run.clone().locked()?;
        assert_eq!(run.overview().state, RunState::Training);
        drop(held);
        log(
            "{\"event\":\"eval\",\"step\":5,\"accuracy\":0.25}\n{\"event\":\"done\",\"step\":9,\"accuracy\":0.5}\n",
        )?;
        let finished = run.overview();
        assert_eq!((finished.state, finished.step), (RunState::Finished, 9));
        let evaluation = finished.evaluation.map(|(on, step, figures)| (on, step, figures.accuracy));
        assert_eq!(evaluation, Some((EvaluatedOn::Test, 9, 0.5)));
        fs::remove_file(run.at(5)?.manifest())?;
        let RunState::Damaged(what) = run.overview().state else { panic!("{:?}", run.overview()) };
        assert!(what.contains("step-00000005") && what.contains("MANIFEST.json"), "{what}");
        fs::write(folder.path().join("config.toml"), "a = [")?;
        let damaged = run.overview();
        assert!(matches!(&damaged.state, RunState::Damaged(what) if what.contains("no TOML")), "{damaged:?}");
        assert_eq!((damaged.task, damaged.step), (None, 9));
        Ok(())
    }

    #[test]
    fn a_run_without_its_checkpoints_or_its_log_is_damaged() -> Outcome {
        let (folder, run) = run(&[0, 5])?;
        let what = |overview: Overview| match overview.state {
            RunState::Damaged(what) => what,
            state => panic!("{state:?}"),
        };
        for log in [None, Some("no event\n".to_owned())] {
            match log {
                Some(log) => fs::write(folder.path().join(METRICS), log)?,
                None => drop(fs::remove_file(folder.path().join(METRICS))),
            }
            let overview = run.overview();
            assert_eq!(overview.step, 5);
            let what = what(overview);
            assert!(what.contains("metrics.jsonl is damaged") && what.contains("step 5"), "{what}");
        }
        let events = "{\"event\":\"saved\",\"step\":5,\"path\":\"x\"}\n{\"event\":\"done\",\"step\":9,\"accuracy\":0.5}\n";
        fs::write(folder.path().join(METRICS), START.to_owned() + events)?;
        assert_eq!(run.overview().state, RunState::Finished);
        for checkpoint in run.checkpoints()? {
            fs::remove_dir_all(checkpoint.folder)?;
        }
        let what = what(run.overview());
        assert!(what.contains("has no checkpoint") && what.contains("step 5 as saved"), "{what}");
        // Stopped before its first checkpoint.
        fs::write(folder.path().join(METRICS), START)?;
        assert_eq!(run.overview().state, RunState::Stopped);
        Ok(())
    }

    #[test]
    fn a_log_is_read_back_to_its_last_evaluation() -> Outcome {
        let (folder, run) = run(&[0])?;
        let steps: String =
            (6..5000).map(|step| format!("{{\"event\":\"step\",\"step\":{step}}}\n")).collect();
        assert!(steps.len() as u64 > FIRST_LOOK);
        let evaluation = "{\"event\":\"eval\",\"split\":\"validation\",\"step\":5,\"accuracy\":0.75}\n";
        fs::write(folder.path().join(METRICS), START.to_owned() + evaluation + &steps)?;
        let overview = run.overview();
        let found = overview.evaluation.map(|(on, step, figures)| (on, step, figures.accuracy));
        assert_eq!((found, overview.step), (Some((EvaluatedOn::Validation, 5, 0.75)), 4999));
        Ok(())
    }

    #[test]
    fn its_size_is_that_of_all_its_files() -> Outcome {
        let (folder, run) = run(&[0])?;
        let before = run.overview().bytes;
        fs::create_dir_all(folder.path().join("snapshots/notes"))?;
        fs::write(folder.path().join("snapshots/notes/a"), [0; 1000])?;
        assert_eq!(run.overview().bytes, before + 1000);
        assert!(before > fs::metadata(folder.path().join("config.toml"))?.len());
        Ok(())
    }
}
