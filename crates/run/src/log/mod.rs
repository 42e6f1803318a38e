//! `metrics.jsonl`: what happened in a run, one event a line.
//!
//! Here belongs what a line is, and how lines reach the file and leave it. Who reads the figures does not.

mod environment;
mod event;
mod lines;
mod rewind;

pub use environment::Environment;
pub use event::{Baseline, EvaluatedOn, Evaluation, Event, StepReport};
pub(crate) use lines::Lines;
pub use lines::Log;
pub use rewind::{Rewound, SetAside};

use crate::error::RunError;
use crate::folder::{METRICS, RunFolder};
use crate::storage::{put_file, read, sync_folder};

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

    /// What was logged so far.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn events(&self) -> Result<Vec<Event>, RunError> {
        Ok(Event::parse_log(&self.log()?).collect())
    }

    /// The last line of the log where it records that the run came to its end, if the checkpoint of that step is there
    /// and whole: a process may have died while it went back to an earlier one, and a run whose end is damaged has to be
    /// trained to it again.
    ///
    /// # Errors
    /// If a file cannot be read now, or the checkpoint is of another version.
    pub fn done(&self) -> Result<Option<Event>, RunError> {
        let log = self.log()?;
        let last = log.trim_ascii_end().rsplit(|&byte| byte == b'\n').next();
        let event = last.and_then(|line| serde_json::from_slice(line).ok());
        let Some(event @ Event::Done { step, .. }) = event else { return Ok(None) };
        match self.checkpoint(step).read() {
            Ok(_) => Ok(Some(event)),
            Err(RunError::Damaged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The bytes of the log; none in a run that was stopped before its first event.
    pub(crate) fn log(&self) -> Result<Vec<u8>, RunError> {
        Ok(read(&*self.storage, &self.path.join(METRICS), u64::MAX)?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Outcome, run};
    use std::fs;

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
