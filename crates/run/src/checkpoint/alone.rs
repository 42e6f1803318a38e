//! A checkpoint that lies in no run, such as a copy.

use std::path::Path;
use std::sync::Arc;

use crate::checkpoint::own_keys::{OwnKeys, Scalar};
use crate::checkpoint::{CONFIG, Checkpoint};
use crate::error::RunError;
use crate::storage::Disk;

impl Checkpoint {
    /// The checkpoint in a folder of any name: its `config.json` has its step. `None` where the folder lacks the files of
    /// one.
    ///
    /// # Errors
    /// If the system does not answer.
    pub fn alone(folder: &Path) -> Result<Option<Self>, RunError> {
        let alone = Self { step: 0, folder: folder.to_owned(), storage: Arc::new(Disk), of_model: None };
        if !folder.is_dir() || !alone.is_complete()? {
            return Ok(None);
        }
        let step = match OwnKeys::read(&alone.read_file(CONFIG, None)?) {
            Ok(OwnKeys { step: Some(Scalar::Whole(step)), .. }) => Some(step),
            _ => None,
        };
        Ok(step.map(|step| Self { step, ..alone }))
    }
}
