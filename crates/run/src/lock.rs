//! One process trains a run at a time.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use crate::error::RunError;

/// The file in a run folder that is held.
pub(crate) const LOCK: &str = "run.lock";

/// Holds `run.lock` until the file is closed, by a crash at the latest.
pub(crate) fn lock(run: &Path) -> Result<Arc<File>, RunError> {
    let file = run.join(LOCK);
    let lock = File::create(&file).map_err(RunError::io("create", &file))?;
    match lock.try_lock() {
        Ok(()) => Ok(Arc::new(lock)),
        Err(TryLockError::WouldBlock) => Err(RunError::Busy { path: run.to_owned() }),
        Err(TryLockError::Error(error)) => Err(RunError::io("lock", &file)(error)),
    }
}
