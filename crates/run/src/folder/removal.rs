//! How an old run is removed for a new one in its place: all that it wrote, at every depth, and nothing else.

use std::path::{Path, PathBuf};

use super::occupancy::{BEING_REMOVED, Occupancy};
use super::recovery::{DAMAGED, OLD, is_of_a_log};
use super::{CHECKPOINTS, CONFIG, METRICS, REPORT, RunFolder, SET_ASIDE, SNAPSHOTS};
use crate::checkpoint::{FILES, REPLACED, step_in};
use crate::error::RunError;
use crate::film::FRAME;
use crate::storage::{
    EntryKind, Storage, UNFINISHED, free_name, list, remove_file, rename_folder, replace_file, sync_folder,
};

impl RunFolder {
    /// Removes what a run, or half of one, is made of, for good. Its config goes first, with one rename; so at every
    /// moment there is the old run, whole, or none. What its user has put into its folders stays, if need be
    /// [set aside](SET_ASIDE) where the new run needs the name.
    pub(super) fn remove(&self, found: Occupancy) -> Result<(), RunError> {
        let storage = &*self.storage;
        // What is no part of a run is refused before anything goes.
        let files = self.logs_and_report()?;
        let (checkpoints, snapshots) = (self.path.join(CHECKPOINTS), self.path.join(SNAPSHOTS));
        let [folders, frames] = [self.of_steps(&checkpoints, "")?, self.of_steps(&snapshots, FRAME)?];
        match found {
            Occupancy::Run => replace_file(storage, &self.path.join(CONFIG), BEING_REMOVED.as_bytes())?,
            Occupancy::HalfRemoved => {}
            Occupancy::Free | Occupancy::Foreign => return Ok(()),
        }
        folders.iter().try_for_each(|folder| remove_checkpoint(storage, folder))?;
        frames.iter().try_for_each(|frame| remove_frame(storage, frame))?;
        files.iter().try_for_each(|file| remove_file(storage, file))?;
        // The names are gone for good before those of the new run come.
        for (folder, has_changed) in [
            (&checkpoints, !folders.is_empty()),
            (&snapshots, !frames.is_empty()),
            (&self.path, !files.is_empty()),
        ] {
            if has_changed {
                sync_folder(storage, folder)?;
            }
        }
        Ok(())
    }

    /// What the steps of a run have in one of its folders, whatever became of it.
    fn of_steps(&self, folder: &Path, extension: &str) -> Result<Vec<PathBuf>, RunError> {
        let names = list(&*self.storage, folder)?;
        let ours = names.iter().filter(|name| name.to_str().is_some_and(|name| is_written(name, extension)));
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

/// Whether a run gives this name: that of a step with its extension, or what becomes of it.
fn is_written(name: &str, extension: &str) -> bool {
    let name = name.strip_suffix(UNFINISHED).unwrap_or(name);
    let is_plain = |name: &str| step_in(name, extension).is_some();
    let of_a_number = |name: &str| {
        let (stem, number) = name.rsplit_once('-')?;
        number.parse::<u64>().ok().map(|_| stem.to_owned())
    };
    let becomes = |name: &str| {
        [REPLACED, OLD, DAMAGED, SET_ASIDE]
            .iter()
            .any(|suffix| name.strip_suffix(suffix).is_some_and(is_plain))
    };
    is_plain(name) || becomes(name) || of_a_number(name).is_some_and(|name| becomes(&name))
}

/// Removes the files of a checkpoint, and its folder if it has no others.
fn remove_checkpoint(storage: &dyn Storage, folder: &Path) -> Result<(), RunError> {
    match kind_of(storage, folder)? {
        None => return Ok(()),
        Some(EntryKind::Link) => return remove_file(storage, folder),
        Some(EntryKind::File | EntryKind::Other) => return set_aside(storage, folder),
        Some(EntryKind::Folder) => {}
    }
    for file in FILES.map(|name| folder.join(name)) {
        if matches!(kind_of(storage, &file)?, Some(EntryKind::File | EntryKind::Link)) {
            remove_file(storage, &file)?;
        }
    }
    match list(storage, folder)?.is_empty() {
        true => storage.remove_folder(folder).map_err(RunError::io("remove", folder)),
        false => set_aside(storage, folder),
    }
}

fn remove_frame(storage: &dyn Storage, frame: &Path) -> Result<(), RunError> {
    match kind_of(storage, frame)? {
        None => Ok(()),
        Some(EntryKind::File | EntryKind::Link) => remove_file(storage, frame),
        Some(EntryKind::Folder | EntryKind::Other) => set_aside(storage, frame),
    }
}

/// Gives what a run has not written a name under which no run looks for it, if it has another.
fn set_aside(storage: &dyn Storage, path: &Path) -> Result<(), RunError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !name.ends_with(UNFINISHED) && (name.contains(SET_ASIDE) || name.contains(DAMAGED)) {
        return Ok(());
    }
    rename_folder(storage, path, &free_name(storage, path, SET_ASIDE)?)
}

fn kind_of(storage: &dyn Storage, path: &Path) -> Result<Option<EntryKind>, RunError> {
    Ok(storage.entry(path).map_err(RunError::io("read", path))?.map(|entry| entry.kind))
}
