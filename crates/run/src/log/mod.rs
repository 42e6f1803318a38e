//! `metrics.jsonl`: what happened in a run, one event a line.
//!
//! Here belongs what a line is, and how lines reach the file and leave it. Who reads the figures does not.

mod environment;
mod event;

pub use environment::Environment;
pub use event::{Baseline, EvaluatedOn, Evaluation, Event, StepReport};

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::error::RunError;

use crate::folder::{METRICS, RunFolder};
use crate::storage::{Storage, put_file, read, replace_file, sync_folder};

/// The log of a run, open to go on with it. What is written appears at every flush, whole lines at once; every
/// [checkpoint](RunFolder::write_checkpoint) syncs it. Its errors hold a [`RunError`].
#[derive(Debug)]
pub struct Log {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    pending: Vec<u8>,
    /// Whether the last line may be half there.
    torn: bool,
}

/// A run that is back at an earlier step.
#[derive(Debug)]
pub struct Rewound {
    /// To go on with.
    pub log: Log,
    /// The later checkpoints under their new names, the newest first.
    pub set_aside: Vec<PathBuf>,
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.pending);
        if self.torn {
            bytes.insert(0, b'\n');
        }
        self.torn = true;
        let failed = RunError::writing(&self.path, bytes.len());
        let appended = self.storage.append(&self.path, &bytes).map_err(failed);
        appended.map_err(|error| io::Error::new(kind(&error), error))?;
        self.torn = false;
        Ok(())
    }
}

/// Of what the system reported.
fn kind(error: &RunError) -> ErrorKind {
    match error {
        RunError::DiskFull { source, .. } | RunError::Io { source, .. } => source.kind(),
        _ => ErrorKind::Other,
    }
}

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
        Ok(self.open_log(path))
    }

    /// Goes back to `step` and opens `metrics.jsonl` to go on after it: what was logged later is removed, because it
    /// will happen again, and later checkpoints get the names that are returned.
    ///
    /// # Errors
    /// If something cannot be read, renamed or written.
    pub fn rewind(&self, step: u64) -> Result<Rewound, RunError> {
        // In this order: a log that is longer than the checkpoints is cut by the next start, a gap would stay.
        let set_aside = self.set_aside_after(step)?;
        self.remove_snapshots_after(step)?;
        let log = self.log()?;
        let text = String::from_utf8_lossy(&log);
        let before = |line: &&str| {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            let at = event["step"].as_u64();
            event.is_object() && event["event"] != "done" && at.is_none_or(|at| at <= step)
        };
        let kept: String = text.lines().filter(before).map(|line| line.to_owned() + "\n").collect();
        let path = self.path.join(METRICS);
        if kept.is_empty() || kept.as_bytes() != log {
            replace_file(&*self.storage, &path, kept.as_bytes())?;
        }
        Ok(Rewound { log: self.open_log(path), set_aside })
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

    fn open_log(&self, path: PathBuf) -> Log {
        Log { storage: Arc::clone(&self.storage), path, pending: Vec::new(), torn: false }
    }

    /// The bytes of the log; none in a run that was stopped before its first event.
    pub(crate) fn log(&self) -> Result<Vec<u8>, RunError> {
        Ok(read(&*self.storage, &self.path.join(METRICS), u64::MAX)?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Outcome, run, steps_of};
    use std::fs;

    #[test]
    fn going_back_sets_later_checkpoints_aside_and_removes_later_events() -> Outcome {
        let (_folder, run) = run(&[0, 5, 10, 15])?;
        for step in [5, 6] {
            run.write_snapshot(step, b"frame")?;
        }
        let log = "{\"event\":\"saved\",\"step\":5,\"path\":\"x\"}\n{\"event\":\"step\",\"step\":6}\n{\"event\":\"do";
        fs::write(run.path().join(METRICS), log)?;
        let mut rewound = run.rewind(5)?;
        let names = ["step-00000015.set-aside", "step-00000010.set-aside"];
        assert_eq!(rewound.set_aside, names.map(|name| run.path().join("checkpoints").join(name)));
        assert_eq!((steps_of(&run)?, run.snapshots()?.into_keys().collect()), (vec![0, 5], vec![5]));
        let saved = Event::Saved { step: 5, path: "x".to_owned() };
        assert_eq!((run.events()?, run.done()?), (vec![saved.clone()], None));
        saved.write(&mut rewound.log)?;
        assert_eq!(run.events()?, [saved.clone(), saved]);
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
