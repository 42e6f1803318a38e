//! A new run, and what it does to an old one in the same folder.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::occupancy::{Occupancy, is_of_a_step, occupancy};
use super::recovery::is_of_a_log;
use super::{CHECKPOINTS, METRICS, REPORT, RunFolder, SNAPSHOTS};
use crate::error::RunError;
use crate::storage::{
    Disk, EntryKind, Storage, UNFINISHED, create_folders, list, remove_file, remove_tree, retire, sync_folder,
};

/// What to do with a run that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse.
    Keep,
    /// Remove it first.
    Overwrite,
}

impl RunFolder {
    /// Creates the folder, takes its lock and writes `config`, the text of `config.toml`.
    ///
    /// # Errors
    /// If there is a run or a part of one and it is to be kept, or something else, or the folder is in use or cannot
    /// be written. Nothing was created or changed in a folder that is refused.
    pub fn create(path: &Path, config: &str, existing: Existing) -> Result<Self, RunError> {
        Self::create_on(Arc::new(Disk), path, config, existing)
    }

    /// The same on any storage.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_on(
        storage: Arc<dyn Storage>,
        path: &Path,
        config: &str,
        existing: Existing,
    ) -> Result<Self, RunError> {
        Self::check_new_config(path, config)?;
        let run = Self::new(storage, path.to_owned());
        run.check_occupancy(existing)?;
        create_folders(&*run.storage, path)?;
        let lock = run.lock()?;
        let run = run.holding(lock, Vec::new());
        // Another process may have been here before the lock was ours.
        run.check_occupancy(existing)?;
        run.remove()?;
        run.write_config(config)?;
        Ok(run)
    }

    /// Creates `TASK-1`, `TASK-2`, … under `parent`, the first that is free.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn create_next(parent: &Path, task: &str, config: &str) -> Result<Self, RunError> {
        Self::check_new_config(parent, config)?;
        create_folders(&Disk, parent)?;
        let mut number = 1_u64;
        loop {
            let path = parent.join(format!("{task}-{number}"));
            // Creating fails where the folder exists, so two processes never share one.
            match Disk.create_folder(&path) {
                Ok(()) => {
                    sync_folder(&Disk, parent)?;
                    return Self::create(&path, config, Existing::Keep);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(RunError::io("create", &path)(error)),
            }
        }
    }

    fn check_occupancy(&self, existing: Existing) -> Result<(), RunError> {
        let path = self.path.clone();
        match (occupancy(&*self.storage, &path)?, existing) {
            (Occupancy::Foreign, _) => Err(RunError::NotEmpty { path }),
            (Occupancy::Run, Existing::Keep) => Err(RunError::Exists { path }),
            (Occupancy::Run, Existing::Overwrite) | (Occupancy::Free, _) => Ok(()),
        }
    }

    /// Removes for good what a run is made of but its config, and nothing else that its user may have put beside it. So
    /// a power cut before the next config leaves the old one without steps, never a new one with steps of the old.
    fn remove(&self) -> Result<(), RunError> {
        let (storage, checkpoints) = (&*self.storage, self.path.join(CHECKPOINTS));
        let snapshots = self.path.join(SNAPSHOTS);
        // What is no part of a run is refused before anything goes.
        let files = self.logs_and_report()?;
        let [folders, frames] = [self.of_steps(&checkpoints)?, self.of_steps(&snapshots)?];
        let mut whole = Vec::new();
        for entry in folders {
            let is_unfinished = entry.to_string_lossy().ends_with(UNFINISHED);
            match kind_of(storage, &entry)? {
                Some(EntryKind::Folder) if !is_unfinished => whole.push(entry),
                _ => remove_tree(storage, &entry)?,
            }
        }
        retire(storage, &checkpoints, &whole)?;
        frames.iter().try_for_each(|frame| remove_tree(storage, frame))?;
        if !frames.is_empty() {
            sync_folder(storage, &snapshots)?;
        }
        files.iter().try_for_each(|file| remove_file(storage, file))?;
        if files.is_empty() { Ok(()) } else { sync_folder(storage, &self.path) }
    }

    /// What the steps of a run have in one of its folders, whatever became of it.
    fn of_steps(&self, folder: &Path) -> Result<Vec<PathBuf>, RunError> {
        let names = list(&*self.storage, folder)?;
        let ours = names.iter().filter(|name| name.to_str().is_some_and(|name| is_of_a_step(name, "")));
        Ok(ours.map(|name| folder.join(name)).collect())
    }

    /// The log, what was set aside of it, and the report, as far as they are there.
    fn logs_and_report(&self) -> Result<Vec<PathBuf>, RunError> {
        let is_ours = |name: &str| [METRICS, REPORT].contains(&name) || is_of_a_log(name);
        let mut files = self.names()?;
        files.retain(|name| name.to_str().is_some_and(is_ours));
        let files: Vec<PathBuf> = files.into_iter().map(|name| self.path.join(name)).collect();
        for file in &files {
            if kind_of(&*self.storage, file)? == Some(EntryKind::Folder) {
                return Err(RunError::damaged(file, "it is a folder, expected a file".to_owned()));
            }
        }
        Ok(files)
    }
}

fn kind_of(storage: &dyn Storage, path: &Path) -> Result<Option<EntryKind>, RunError> {
    Ok(storage.entry(path).map_err(RunError::io("read", path))?.map(|entry| entry.kind))
}
