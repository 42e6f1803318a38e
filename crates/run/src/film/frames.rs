//! The frames of the film.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::seal::is_sealed;
use crate::bounds;
use crate::checkpoint::step_name;
use crate::error::RunError;
use crate::folder::{RunFolder, SET_ASIDE, SNAPSHOTS};
use crate::storage::{free_name, put_file, remove_file, rename, sync_folder};
use crate::tensor_file::{check_to_write, read_tensors};

/// Behind the name of a step.
pub(crate) const FRAME: &str = ".safetensors";

impl RunFolder {
    /// The frames of the film by step.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn snapshots(&self) -> Result<BTreeMap<u64, PathBuf>, RunError> {
        self.steps(SNAPSHOTS, FRAME)
    }

    /// Most bytes that a frame may have.
    pub const MAX_FRAME: u64 = bounds::FRAME;

    /// The bytes of a frame, if they are those that were [sealed](crate::seal_frame). Early frames have no seal, and are
    /// taken as they are.
    ///
    /// # Errors
    /// If it is missing, too long, cannot be read, or is not what was written.
    pub fn read_snapshot(&self, frame: &Path) -> Result<Vec<u8>, RunError> {
        let bytes = read_tensors(&*self.storage, frame, bounds::FRAME);
        let bytes = bytes.map_err(|error| match error.kind() {
            ErrorKind::InvalidData => RunError::damaged(frame, error.to_string()),
            _ => RunError::io("read", frame)(error),
        })?;
        is_sealed(&bytes).map_err(|what| RunError::damaged(frame, what))?;
        Ok(bytes)
    }

    /// Saves the frame of a step, a safetensors file that appears complete or not at all. It is not synced: frames come
    /// often, and no run depends on them, so a power cut may leave the last ones torn.
    ///
    /// # Errors
    /// If it cannot be written, or is too long to be read.
    pub fn write_snapshot(&self, step: u64, bytes: &[u8]) -> Result<(), RunError> {
        let folder = self.path.join(SNAPSHOTS);
        let frame = folder.join(step_name(step) + FRAME);
        bounds::check(&frame, bytes.len(), bounds::FRAME)?;
        check_to_write(&frame, bytes)?;
        match self.storage.create_folder(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(RunError::io("create", &folder)(error));
            }
            _ => {}
        }
        put_file(&*self.storage, &frame, bytes)
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
