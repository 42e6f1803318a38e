//! The frames of the film.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

use crate::checkpoint::step_name;
use crate::error::RunError;
use crate::folder::{RunFolder, SET_ASIDE, SNAPSHOTS};
use crate::storage::{free_name, put_file, remove_file, rename, sync_folder};

const FRAME: &str = ".safetensors";

impl RunFolder {
    /// The frames of the film by step.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn snapshots(&self) -> Result<BTreeMap<u64, PathBuf>, RunError> {
        self.steps(SNAPSHOTS, FRAME)
    }

    /// Saves the frame of a step, a safetensors file that appears complete or not at all. It is not synced: frames come
    /// often, and no run depends on them, so a power cut may leave the last ones torn.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_snapshot(&self, step: u64, bytes: &[u8]) -> Result<(), RunError> {
        let folder = self.path.join(SNAPSHOTS);
        match self.storage.create_folder(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(RunError::io("create", &folder)(error));
            }
            _ => {}
        }
        put_file(&*self.storage, &folder.join(step_name(step) + FRAME), bytes)
    }

    /// Gives the frames after `step` other names, for good; returns them.
    pub(crate) fn set_snapshots_aside_after(&self, step: u64) -> Result<Vec<PathBuf>, RunError> {
        let later = self.snapshots()?.into_iter().filter(|&(at, _)| at > step);
        let mut names = Vec::new();
        for (_, frame) in later {
            let name = free_name(&*self.storage, &frame, SET_ASIDE)?;
            rename(&*self.storage, &frame, &name)?;
            names.push(name);
        }
        if !names.is_empty() {
            sync_folder(&*self.storage, &self.path.join(SNAPSHOTS))?;
        }
        Ok(names)
    }

    /// Removes the frames after `step`.
    pub(crate) fn remove_snapshots_after(&self, step: u64) -> Result<(), RunError> {
        let later = self.snapshots()?.into_iter().filter(|&(at, _)| at > step);
        later.into_iter().try_for_each(|(_, frame)| remove_file(&*self.storage, &frame))
    }
}
