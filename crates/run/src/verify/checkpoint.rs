//! The files of one checkpoint beside its manifest.

use super::{CheckedFor, Verified, start_of, tensors};
use crate::checkpoint::{Checkpoint, Description};
use crate::error::RunError;
use crate::storage::exists;

impl Checkpoint {
    /// Checks the files of a checkpoint as [`RunFolder::verify`](crate::RunFolder::verify) does, without the run around it.
    ///
    /// # Errors
    /// If the system does not answer; a file that cannot be read is a finding.
    pub fn verify(&self) -> Result<Verified, RunError> {
        let mut verified = Verified::default();
        self.verify_in(&mut verified)?;
        Ok(verified)
    }

    /// What made the checkpoint, if it is whole.
    pub(super) fn verify_in(&self, verified: &mut Verified) -> Result<Option<Description>, RunError> {
        let first = match self.check_files() {
            Ok((description, _)) => {
                let has_hashes = self.has_manifest() == Some(true);
                let checked = if has_hashes { CheckedFor::Hash } else { CheckedFor::Layout };
                verified.add(&self.config(), checked, []);
                for file in [self.weights(), self.optimizer()] {
                    match start_of(&*self.storage, &file) {
                        Ok(start) => verified.add(&file, checked, tensors::fault(&start)),
                        Err(error) if exists(&*self.storage, &file)? => verified.refuse(error, &file),
                        Err(_) => {}
                    }
                }
                if has_hashes {
                    verified.add(&self.manifest(), checked, []);
                }
                return Ok(Some(description));
            }
            Err(first) => first,
        };
        let mut faults = self.faults();
        // A training removes older checkpoints and replaces those of its own step.
        if exists(&*self.storage, &self.folder)? {
            if faults.is_empty() {
                faults.push(first);
            }
            faults.into_iter().for_each(|error| verified.refuse(error, &self.folder));
        }
        Ok(None)
    }
}
