//! Writing a checkpoint so that it is there for good, or not at all.

use std::path::PathBuf;

use crate::checkpoint::manifest::Manifest;
use crate::checkpoint::{CONFIG, Checkpoint, Contents, MANIFEST, OPTIMIZER, WEIGHTS};
use crate::error::RunError;
use crate::folder::{CHECKPOINTS, METRICS, RunFolder};
use crate::storage::{
    UNFINISHED, create_folders, exists, remove_tree, rename, sync_folder, with_suffix, write,
};

/// Behind the name of a checkpoint that another of the same step replaces.
pub(crate) const REPLACED: &str = ".replaced";

impl RunFolder {
    /// Saves a checkpoint. When this returns, it outlasts a power cut, with the log of everything before it, also of lines
    /// that could not be written before; when it fails, every older checkpoint is as it was.
    ///
    /// # Errors
    /// If a file or folder cannot be written.
    pub fn write_checkpoint(&self, step: u64, contents: &Contents) -> Result<Checkpoint, RunError> {
        self.flush_log()?;
        let checkpoint = self.checkpoint(step);
        create_folders(&*self.storage, &self.path.join(CHECKPOINTS))?;
        let unfinished = with_suffix(&checkpoint.folder, UNFINISHED);
        remove_tree(&*self.storage, &unfinished)?;
        if let Err(error) = self.save(&checkpoint, contents) {
            // It may be what filled the disk; if it cannot be removed, the next start does it.
            let _ = remove_tree(&*self.storage, &unfinished);
            return Err(error);
        }
        Ok(checkpoint)
    }

    fn save(&self, checkpoint: &Checkpoint, contents: &Contents) -> Result<(), RunError> {
        let (storage, folder) = (&*self.storage, &checkpoint.folder);
        let unfinished = with_suffix(folder, UNFINISHED);
        storage.create_folder(&unfinished).map_err(RunError::io("create", &unfinished))?;
        let description = contents.description.to_json(checkpoint.step);
        let files: [(&str, &[u8]); 3] =
            [(CONFIG, &description), (WEIGHTS, &contents.weights), (OPTIMIZER, &contents.optimizer)];
        for (name, bytes) in files {
            write(storage, &unfinished.join(name), bytes)?;
        }
        write(storage, &unfinished.join(MANIFEST), &Manifest::new(checkpoint.step, files).to_json())?;
        let mut synced: Vec<PathBuf> =
            [CONFIG, WEIGHTS, OPTIMIZER, MANIFEST].map(|name| unfinished.join(name)).into();
        // So that the log has no gap before a checkpoint that is there.
        let log = self.path.join(METRICS);
        if exists(storage, &log)? {
            synced.push(log);
        }
        // One after the other they took 36 ms on a disk on which they take 3 together.
        let n_bytes = files.iter().map(|(_, bytes)| bytes.len()).sum();
        storage
            .sync_together(&synced, std::slice::from_ref(&unfinished))
            .map_err(RunError::writing(&unfinished, n_bytes))?;

        // What it replaces is put aside first and removed last; a start in between puts it back, and so does an error.
        // Where only that is there, it is the one good copy, and stays until there is another.
        let replaced = with_suffix(folder, REPLACED);
        let replaces = exists(storage, folder)?;
        if replaces {
            remove_tree(storage, &replaced)?;
            rename(storage, folder, &replaced)?;
        }
        if let Err(error) = rename(storage, &unfinished, folder) {
            if replaces {
                let _ = storage.rename(&replaced, folder);
            }
            return Err(error);
        }
        sync_folder(storage, &self.path.join(CHECKPOINTS))?;
        remove_tree(storage, &replaced)
    }
}
