//! `metrics.jsonl`: what happened in a run, one event a line.

use std::fs::{self, File};
use std::io::ErrorKind;

use serde_json::Value;

use crate::error::RunError;
use crate::event::Event;
use crate::folder::{METRICS, RunFolder};
use crate::write::{remove_folder, replace_file};

impl RunFolder {
    /// Opens `metrics.jsonl` for writing.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create_metrics(&self) -> Result<File, RunError> {
        let path = self.path.join(METRICS);
        File::create(&path).map_err(RunError::io("create", &path))
    }

    /// Goes back to `step` and opens `metrics.jsonl` to go on after it: what was logged and saved later is removed,
    /// because it will happen again.
    ///
    /// # Errors
    /// If something cannot be read, removed or written.
    pub fn rewind(&self, step: u64) -> Result<File, RunError> {
        for later in self.step_folders()?.into_iter().filter(|checkpoint| checkpoint.step > step) {
            remove_folder(&later.folder)?;
        }
        for (_, frame) in self.snapshots()?.into_iter().filter(|&(at, _)| at > step) {
            fs::remove_file(&frame).map_err(RunError::io("write", &frame))?;
        }
        let log = self.log()?;
        let log = String::from_utf8_lossy(&log);
        let before = |line: &&str| {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            let at = event["step"].as_u64();
            event.is_object() && event["event"] != "done" && at.is_none_or(|at| at <= step)
        };
        let kept: String = log.lines().filter(before).map(|line| line.to_owned() + "\n").collect();
        let path = self.path.join(METRICS);
        replace_file(&path, kept)?;
        File::options().append(true).open(&path).map_err(RunError::io("write", &path))
    }

    /// What was logged so far.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn events(&self) -> Result<Vec<Event>, RunError> {
        Ok(Event::parse_log(&self.log()?).collect())
    }

    /// The last line of the log where it tells that the run came to its end.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn done(&self) -> Result<Option<Event>, RunError> {
        let log = self.log()?;
        let last = log.trim_ascii_end().rsplit(|&byte| byte == b'\n').next();
        let event = last.and_then(|line| serde_json::from_slice(line).ok());
        Ok(event.filter(|event| matches!(event, Event::Done { .. })))
    }

    fn log(&self) -> Result<Vec<u8>, RunError> {
        let path = self.path.join(METRICS);
        match fs::read(&path) {
            // A run that was stopped before its first event has no such file yet.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            result => result.map_err(RunError::io("read", &path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::tests::{Outcome, run, steps_of};

    #[test]
    fn going_back_removes_later_checkpoints_and_events() -> Outcome {
        let (_folder, run) = run(&[0, 5, 10])?;
        for step in [5, 6] {
            run.write_snapshot(step, b"frame")?;
        }
        let log = "{\"event\":\"saved\",\"step\":5,\"path\":\"x\"}\n{\"event\":\"step\",\"step\":6}\n{\"event\":\"do";
        fs::write(run.path().join(METRICS), log)?;
        run.rewind(5)?;
        assert_eq!((steps_of(&run)?, run.snapshots()?.into_keys().collect()), (vec![0, 5], vec![5]));
        assert_eq!(run.events()?, [Event::Saved { step: 5, path: "x".to_owned() }]);
        assert_eq!(run.done()?, None);
        Ok(())
    }
}
