//! A run on disk: its config, its log, its checkpoints and its frames.
//!
//! Here belongs the folder as a whole: what a new run finds in it, who may write, and what is put in order. What a file
//! in it holds does not.

mod create;
mod lock;
mod occupancy;
mod overview;
mod recovery;
mod removal;

pub use create::Existing;
pub(crate) use lock::Held;
use occupancy::{Occupancy, is_half_removed, occupancy};
pub use overview::{Overview, RunState};
pub use recovery::Repair;
pub(crate) use recovery::SET_ASIDE;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::checkpoint::{Checkpoint, step_in, step_name};
use crate::error::RunError;
use crate::log::Lines;
use crate::storage::{Disk, Storage, exists, list, put_file};

pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const METRICS: &str = "metrics.jsonl";
pub(crate) const CHECKPOINTS: &str = "checkpoints";
pub(crate) const SNAPSHOTS: &str = "snapshots";
pub(crate) const REPORT: &str = "report.html";

/// A folder that belongs to one run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    pub(crate) path: PathBuf,
    pub(crate) storage: Arc<dyn Storage>,
    /// Held while any clone of this value lives; `None` for a run that is only looked at.
    pub(crate) held: Option<Arc<Held>>,
    /// Of its log, for all clones of this value.
    pub(crate) lines: Arc<Mutex<Lines>>,
}

impl RunFolder {
    /// Opens a run that is already there, to look at it.
    ///
    /// # Errors
    /// If there is no such folder, or it is not that of a run.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RunError> {
        Self::open_on(Arc::new(Disk), path.as_ref())
    }

    /// The same on any storage.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(storage: Arc<dyn Storage>, path: &Path) -> Result<Self, RunError> {
        let path = path.to_owned();
        if !exists(&*storage, &path)? {
            return Err(RunError::NotFound { path });
        }
        // A run without its config is still a run: the config lies in every checkpoint, too.
        if !exists(&*storage, &path.join(CONFIG))? && occupancy(&*storage, &path)? != Occupancy::Run {
            return Err(RunError::NotARun { path, missing: CONFIG });
        }
        if is_half_removed(&*storage, &path) {
            return Err(RunError::HalfRemoved { path });
        }
        Ok(Self::new(storage, path))
    }

    fn new(storage: Arc<dyn Storage>, path: PathBuf) -> Self {
        Self { path, storage, held: None, lines: Arc::default() }
    }

    /// Where the run is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its files are kept.
    pub fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    /// Where the report is, or would be.
    pub fn report_file(&self) -> PathBuf {
        self.path.join(REPORT)
    }

    /// Writes the report, a page; returns where it is. It can be made again, so it is not synced.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_report(&self, page: &[u8]) -> Result<PathBuf, RunError> {
        let path = self.report_file();
        put_file(&*self.storage, &path, page)?;
        Ok(path)
    }

    /// The complete checkpoints by step, with those that cannot be looked at now: they may be complete.
    ///
    /// # Errors
    /// If the folder of all of them cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<Checkpoint>, RunError> {
        let mut complete = self.step_folders()?;
        complete.retain(|checkpoint| checkpoint.is_complete().unwrap_or(true));
        Ok(complete)
    }

    /// The last complete checkpoint.
    ///
    /// # Errors
    /// If no checkpoint is complete.
    pub fn latest(&self) -> Result<Checkpoint, RunError> {
        let folders = self.step_folders()?;
        let none = RunError::NoCheckpoint { path: self.path.clone(), incomplete: folders.len() };
        for checkpoint in folders.into_iter().rev() {
            if checkpoint.is_complete()? {
                return Ok(checkpoint);
            }
        }
        Err(none)
    }

    /// The complete checkpoint at exactly this step, whatever became of the others.
    ///
    /// # Errors
    /// If it cannot be looked at now, or the run has no such checkpoint; the message then lists those that it has.
    pub fn at(&self, step: u64) -> Result<Checkpoint, RunError> {
        let found = self.step_folders()?.into_iter().find(|checkpoint| checkpoint.step == step);
        match found {
            Some(checkpoint) if checkpoint.is_complete()? => Ok(checkpoint),
            _ => {
                let known = self.checkpoints()?.iter().map(|checkpoint| checkpoint.step).collect();
                Err(RunError::NoSuchStep { path: self.path.clone(), step, known })
            }
        }
    }

    /// The checkpoints to go on from, the best first: that of `step` alone, or all from the latest to the earliest,
    /// complete or not. The first that [reads](Checkpoint::read) without [damage](RunError::Damaged) is the one;
    /// [`mark_damaged`](Self::mark_damaged) and [`rewind`](Self::rewind) then put the later ones aside. Any other error
    /// is no reason to fall back: what cannot be read now may be whole.
    ///
    /// # Errors
    /// If that of `step` is not there, or none is though the log reports one as saved; or if the folder cannot be read.
    pub fn checkpoints_to_resume(&self, step: Option<u64>) -> Result<Vec<Checkpoint>, RunError> {
        match step {
            None => {
                let all: Vec<Checkpoint> = self.step_folders()?.into_iter().rev().collect();
                match if all.is_empty() { self.saved_step()? } else { None } {
                    Some(step) => Err(RunError::CheckpointsGone { path: self.path.join(CHECKPOINTS), step }),
                    None => Ok(all),
                }
            }
            Some(step) => Ok(vec![self.at(step)?]),
        }
    }

    /// Where the checkpoint of a step belongs.
    pub fn checkpoint(&self, step: u64) -> Checkpoint {
        Checkpoint::new(&self.storage, &self.path.join(CHECKPOINTS), step)
    }

    /// The folders of steps, complete or not.
    pub(crate) fn step_folders(&self) -> Result<Vec<Checkpoint>, RunError> {
        let found = self.steps(CHECKPOINTS, "")?;
        Ok(found.into_iter().map(|(step, folder)| Checkpoint::at(&self.storage, folder, step)).collect())
    }

    /// What is called `step-N` and `extension` in a folder of the run, by N; nothing where there is no such folder. Of two
    /// that differ in zeros alone it is the one whose name the run writes.
    pub(crate) fn steps(&self, folder: &str, extension: &str) -> Result<BTreeMap<u64, PathBuf>, RunError> {
        let folder = self.path.join(folder);
        let mut steps = BTreeMap::new();
        for name in list(&*self.storage, &folder)? {
            let Some((name, step)) = name.to_str().and_then(|name| Some((name, step_in(name, extension)?)))
            else {
                continue;
            };
            if name == step_name(step) + extension || !steps.contains_key(&step) {
                steps.insert(step, folder.join(name));
            }
        }
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Outcome, contents, run, steps_of};
    use std::fs;

    #[test]
    fn a_checkpoint_is_complete_with_its_manifest_its_weights_and_its_config() -> Outcome {
        let (_folder, run) = run(&[120, 0, 123_456_789, 20, 30])?;
        assert_eq!(steps_of(&run)?, [0, 20, 30, 120, 123_456_789]);
        fs::remove_file(run.at(123_456_789)?.config())?;
        fs::remove_file(run.at(20)?.weights())?;
        fs::remove_file(run.at(30)?.manifest())?;
        assert_eq!((steps_of(&run)?, run.latest()?.step), (vec![0, 120], 120));
        assert_eq!(run.latest()?.start(), Some(run.at(0)?));
        let message = run.at(20).expect_err("incomplete").to_string();
        assert!(message.ends_with("has no checkpoint of step 20; it has those of 0, 120"), "{message}");
        Ok(())
    }

    #[test]
    fn a_copy_whose_name_has_fewer_zeros_does_not_hide_the_checkpoint() -> Outcome {
        let (_folder, run) = run(&[5, 57])?;
        for copy in ["step-57", "step-000000000057"] {
            let copy = run.path().join(CHECKPOINTS).join(copy);
            fs::create_dir(&copy)?;
            assert_eq!((steps_of(&run)?, run.latest()?.read()?), (vec![5, 57], contents(57)));
            fs::remove_dir(&copy)?;
            // Without the other one it is found.
            fs::rename(run.checkpoint(57).folder, &copy)?;
            assert_eq!(run.latest()?.read()?, contents(57));
            fs::rename(&copy, run.checkpoint(57).folder)?;
        }
        Ok(())
    }

    #[test]
    fn a_checkpoint_of_the_format_before_manifests_is_read_without_one() -> Outcome {
        let (_folder, run) = run(&[7])?;
        let checkpoint = run.at(7)?;
        let before = contents(7);
        fs::remove_file(checkpoint.manifest())?;
        let config = fs::read_to_string(checkpoint.config())?;
        for old in ["\"format\": \"qkv-checkpoint-1\",", ""] {
            let text = config.replace("\"format\": \"qkv-checkpoint-2\",", old);
            assert_ne!(text, config);
            fs::write(checkpoint.config(), text)?;
            assert_eq!((steps_of(&run)?, checkpoint.read()?), (vec![7], before.clone()));
        }
        fs::write(checkpoint.config(), config.replace("checkpoint-2", "checkpoint-9"))?;
        let message = checkpoint.read().expect_err("another format").to_string();
        assert!(message.contains("qkv-checkpoint-9") && message.contains("config.json"), "{message}");
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
        assert!(run.latest().expect_err("no folder").to_string().contains("found 0 without them"));
        fs::create_dir_all(run.checkpoint(0).folder)?;
        assert!(run.latest().expect_err("an empty folder").to_string().contains("found 1 without them"));
        Ok(())
    }
}
