//! `metrics.jsonl`: what happened in a run, one event a line.
//!
//! Here belongs what a line is, and how lines reach the file and leave it. Who reads the figures does not.

mod environment;
mod evaluation;
mod event;
mod generalization;
mod line_reader;
mod lines;
mod number;
mod rewind;
mod steps;

pub use environment::Environment;
pub use evaluation::{Better, Evaluation, Figure};
pub use event::{Baseline, CustomReport, EvaluatedOn, Event, StepReport};
pub use generalization::Generalization;
pub(crate) use line_reader::{Line, LineReader};
pub(crate) use lines::Lines;
pub use lines::Log;
pub use rewind::{Rewound, SetAside};
pub(crate) use steps::{Disorder, Steps};

use crate::checkpoint::toml_of_json;
use crate::error::RunError;
use crate::folder::{METRICS, RunFolder};
use crate::storage::{put_file, sync_folder};

impl RunFolder {
    /// Begins an empty `metrics.jsonl`.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create_metrics(&self) -> Result<Log, RunError> {
        let path = self.path.join(METRICS);
        // It has no bytes yet that could be lost, but its name has to last.
        put_file(&*self.storage, &path, b"")?;
        sync_folder(&*self.storage, &self.path)?;
        Ok(self.open_log(0))
    }

    /// What was logged so far, the figures of evaluations and of the end with every bit.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn events(&self) -> Result<Vec<Event>, RunError> {
        let mut events = Vec::new();
        self.for_each_line(|line| {
            let event = line.object().and_then(|_| Event::parse_log(&line.text).next());
            events.extend(match event {
                Some(Event::Eval { .. } | Event::Done { .. }) => exactly(&line),
                other => other,
            })
        })?;
        Ok(events)
    }

    /// The last line of the log where it records that the run came to its end, if the checkpoint of that step is there
    /// and whole: a process may have died while it went back to an earlier one, and a run whose end is damaged has to
    /// be trained to it again.
    ///
    /// # Errors
    /// If a file cannot be read now, or the checkpoint is of another version.
    pub fn done(&self) -> Result<Option<Event>, RunError> {
        let mut last = None;
        self.for_each_line(|line| {
            if !line.text.trim_ascii().is_empty() {
                last = Some(line);
            }
        })?;
        let Some(event @ Event::Done { step, .. }) = last.as_ref().and_then(exactly) else { return Ok(None) };
        match self.checkpoint(step).check() {
            Ok(_) => Ok(Some(event)),
            Err(RunError::Damaged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The event of a line with every bit of its figures, which `serde_json` alone may miss: they are printed again.
fn exactly(line: &Line) -> Option<Event> {
    line.object()?;
    let event = toml_of_json(&line.text).ok().and_then(|table| table.try_into().ok());
    event.or_else(|| serde_json::from_slice(&line.text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Outcome, run};
    use std::fs;

    #[test]
    fn the_figures_of_the_end_are_read_with_every_bit() -> Outcome {
        let (_folder, run) = run(&[5])?;
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut figure = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 11) as f64 / (1_u64 << 53) as f64
        };
        for index in 0..1000 {
            let evaluation = Evaluation {
                loss: figure(),
                accuracy: figure(),
                sequence_accuracy: 0.0,
                examples: 8,
                metrics: [("of my own".to_owned(), figure())].into(),
            };
            let done = Event::Done {
                step: 5,
                evaluation,
                baselines: vec![Baseline { name: "n: null, \"bigram\"".to_owned(), loss: figure() }],
                sample: (index > 0).then(|| "a\n\u{7f}".to_owned()),
                seconds: figure(),
                snapshot_seconds: 0.0,
                checkpoint_seconds: figure(),
                generalization: None,
                film_ended_at: None,
                path: "run".to_owned(),
            };
            let mut log = run.create_metrics()?;
            done.write(&mut log)?;
            assert_eq!((run.events()?, run.done()?), (vec![done.clone()], Some(done)));
        }
        Ok(())
    }

    #[test]
    fn a_run_is_done_with_the_whole_checkpoint_of_its_last_step() -> Outcome {
        let (_folder, run) = run(&[0, 5])?;
        let ends_with = |step: u64| {
            fs::write(run.path().join(METRICS), format!("{{\"event\":\"done\",\"step\":{step}}}\n"))
        };
        for (step, is_done) in [(5, true), (6, false)] {
            ends_with(step)?;
            assert_eq!(run.done()?.is_some(), is_done, "{step}");
        }
        ends_with(5)?;
        for file in [run.at(5)?.weights(), run.at(5)?.optimizer(), run.at(5)?.config()] {
            let whole = fs::read(&file)?;
            let mut damaged = whole.clone();
            damaged[0] ^= 1;
            fs::write(&file, damaged)?;
            assert_eq!(run.done()?, None, "{}", file.display());
            fs::write(&file, whole)?;
        }
        assert!(run.done()?.is_some());
        Ok(())
    }
}
