//! A run on disk: its config, its log, its checkpoints and its frames.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint::{Checkpoint, step_in, step_name};
use crate::error::RunError;
use crate::lock::lock;
use crate::write::{remove_folder, replace_file, replace_folder};

pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const METRICS: &str = "metrics.jsonl";
pub(crate) const CHECKPOINTS: &str = "checkpoints";
pub(crate) const SNAPSHOTS: &str = "snapshots";
const FRAME: &str = ".safetensors";
pub(crate) const REPORT: &str = "report.html";

/// A folder that belongs to one run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    pub(crate) path: PathBuf,
    /// Held while any clone of this value lives; `None` for a run that is only looked at.
    pub(crate) _lock: Option<Arc<File>>,
}

impl RunFolder {
    /// Opens a run that is already there, to look at it.
    ///
    /// # Errors
    /// If there is no such folder, or it is not that of a run.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RunError> {
        let path = path.as_ref().to_owned();
        if !path.exists() {
            return Err(RunError::NotFound { path });
        }
        if !path.join(CONFIG).is_file() {
            return Err(RunError::NotARun { path, missing: CONFIG });
        }
        Ok(Self { path, _lock: None })
    }

    /// The same run with its lock taken, to go on with it.
    ///
    /// # Errors
    /// If another process holds it.
    pub fn locked(self) -> Result<Self, RunError> {
        Ok(Self { _lock: Some(lock(&self.path)?), path: self.path })
    }

    /// Where the run is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the config of the run in `path` is.
    pub fn config_in(path: &Path) -> PathBuf {
        path.join(CONFIG)
    }

    /// Where the report of the run in `path` belongs.
    pub fn report_in(path: &Path) -> PathBuf {
        path.join(REPORT)
    }

    /// The text of `config.toml`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn config(&self) -> Result<String, RunError> {
        let file = Self::config_in(&self.path);
        fs::read_to_string(&file).map_err(RunError::io("read", &file))
    }

    /// The complete checkpoints by step.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<Checkpoint>, RunError> {
        Ok(self.step_folders()?.into_iter().filter(Checkpoint::is_complete).collect())
    }

    /// The last complete checkpoint.
    ///
    /// # Errors
    /// If no checkpoint is complete.
    pub fn latest(&self) -> Result<Checkpoint, RunError> {
        let folders = self.step_folders()?;
        let none = RunError::NoCheckpoint { path: self.path.clone(), incomplete: folders.len() };
        folders.into_iter().rfind(Checkpoint::is_complete).ok_or(none)
    }

    /// The complete checkpoint at exactly this step.
    ///
    /// # Errors
    /// If the run has no such checkpoint; the message lists those that it has.
    pub fn at(&self, step: u64) -> Result<Checkpoint, RunError> {
        let all = self.checkpoints()?;
        let known = || all.iter().map(|checkpoint| checkpoint.step).collect();
        let none = || RunError::NoSuchStep { path: self.path.clone(), step, known: known() };
        all.iter().find(|checkpoint| checkpoint.step == step).cloned().ok_or_else(none)
    }

    /// The checkpoints to go on from, the best first: that of `step` alone, or all from the latest to the earliest.
    ///
    /// # Errors
    /// If that of `step` is not there, or the folder cannot be read.
    pub fn checkpoints_to_resume(&self, step: Option<u64>) -> Result<Vec<Checkpoint>, RunError> {
        match step {
            None => Ok(self.checkpoints()?.into_iter().rev().collect()),
            Some(step) => Ok(vec![self.at(step)?]),
        }
    }

    /// Where the checkpoint of a step belongs.
    pub fn checkpoint(&self, step: u64) -> Checkpoint {
        Checkpoint::new(&self.path.join(CHECKPOINTS), step)
    }

    /// Saves a checkpoint that appears complete or not at all; `write` gets a folder for its files.
    ///
    /// # Errors
    /// Those of `write`, or if a file or folder cannot be written.
    pub fn write_checkpoint<E: From<RunError>>(
        &self,
        step: u64,
        write: impl FnOnce(&Checkpoint) -> Result<(), E>,
    ) -> Result<(), E> {
        let folder = self.checkpoint(step).folder;
        let unfinished = folder.with_extension("tmp");
        remove_folder(&unfinished)?;
        fs::create_dir_all(&unfinished).map_err(RunError::io("create", &unfinished))?;
        write(&Checkpoint { step, folder: unfinished.clone() })?;
        Ok(replace_folder(&unfinished, &folder)?)
    }

    /// The frames of the film by step.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn snapshots(&self) -> Result<BTreeMap<u64, PathBuf>, RunError> {
        steps(&self.path.join(SNAPSHOTS), FRAME)
    }

    /// Saves the frame of a step, a safetensors file that appears complete or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_snapshot(&self, step: u64, bytes: &[u8]) -> Result<(), RunError> {
        let folder = self.path.join(SNAPSHOTS);
        fs::create_dir_all(&folder).map_err(RunError::io("create", &folder))?;
        replace_file(&folder.join(step_name(step) + FRAME), bytes)
    }

    /// The folders of steps, complete or not.
    pub(crate) fn step_folders(&self) -> Result<Vec<Checkpoint>, RunError> {
        let found = steps(&self.path.join(CHECKPOINTS), "")?;
        Ok(found.into_iter().map(|(step, folder)| Checkpoint { step, folder }).collect())
    }
}

/// What is called `step-N` and `extension` in `folder`, by N; nothing where there is no such folder.
fn steps(folder: &Path, extension: &str) -> Result<BTreeMap<u64, PathBuf>, RunError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        result => result.map_err(RunError::io("read", folder))?,
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(RunError::io("read", folder))?;
        if let Some(step) = entry.file_name().to_str().and_then(|name| step_in(name, extension)) {
            found.insert(step, entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

    /// A run whose checkpoints of these steps are complete.
    pub(crate) fn run(steps: &[u64]) -> Result<(tempfile::TempDir, RunFolder), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join(CONFIG), "")?;
        let run = RunFolder::open(folder.path())?;
        for &step in steps {
            run.write_checkpoint(step, |checkpoint| {
                fs::write(checkpoint.weights(), "").map_err(RunError::io("write", &checkpoint.folder))?;
                checkpoint.write_config(serde_json::json!({}), &[])
            })?;
        }
        Ok((folder, run))
    }

    pub(crate) fn steps_of(run: &RunFolder) -> Result<Vec<u64>, RunError> {
        Ok(run.checkpoints()?.iter().map(|checkpoint| checkpoint.step).collect())
    }

    #[test]
    fn a_checkpoint_is_complete_with_its_weights_and_its_config() -> Outcome {
        let (_folder, run) = run(&[120, 0, 123_456_789, 20])?;
        assert_eq!(steps_of(&run)?, [0, 20, 120, 123_456_789]);
        fs::remove_file(run.at(123_456_789)?.config())?;
        fs::remove_file(run.at(20)?.weights())?;
        assert_eq!((steps_of(&run)?, run.latest()?.step), (vec![0, 120], 120));
        assert_eq!(run.latest()?.start(), Some(run.at(0)?));
        let message = run.at(20).expect_err("incomplete").to_string();
        assert!(message.ends_with("has no checkpoint of step 20; it has those of 0, 120"), "{message}");
        Ok(())
    }

    #[test]
    fn what_is_not_a_run_is_refused_for_what_is_missing() -> Outcome {
        let folder = tempfile::tempdir()?;
        let message = |path: &Path| RunFolder::open(path).expect_err("not a run").to_string();
        assert!(message(folder.path()).contains("config.toml is missing"));
        assert!(message(&folder.path().join("no")).contains("does not exist"));
        fs::write(folder.path().join(CONFIG), "")?;
        let run = RunFolder::open(folder.path())?;
        assert!(run.latest().expect_err("no folder").to_string().contains("found 0 without both"));
        fs::create_dir_all(run.checkpoint(0).folder)?;
        assert!(run.latest().expect_err("an empty folder").to_string().contains("found 1 without both"));
        Ok(())
    }

    #[test]
    fn a_failed_save_leaves_the_old_checkpoint() -> Outcome {
        let (_folder, run) = run(&[3])?;
        let failed = run.write_checkpoint(3, |checkpoint| {
            fs::write(checkpoint.weights(), "half").map_err(RunError::io("write", &checkpoint.folder))?;
            Err(RunError::Busy { path: checkpoint.folder.clone() })
        });
        assert!(failed.is_err());
        assert_eq!((steps_of(&run)?, fs::read(run.at(3)?.weights())?), (vec![3], Vec::new()));
        Ok(())
    }

    #[test]
    fn two_processes_do_not_train_one_run() -> Outcome {
        let (_folder, run) = run(&[])?;
        let held = run.clone().locked()?;
        assert!(matches!(run.clone().locked(), Err(RunError::Busy { .. })));
        drop(held);
        run.locked()?;
        Ok(())
    }
}
