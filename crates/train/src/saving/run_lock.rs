//! One process trains a run at a time.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use crate::error::TrainError;

/// The file in a run folder that is held.
pub(crate) const LOCK: &str = "run.lock";

/// Holds `run.lock` until the file is closed, by a crash at the latest.
pub(crate) fn lock(path: &Path) -> Result<Arc<File>, TrainError> {
    let file = path.join(LOCK);
    let lock = File::create(&file).map_err(TrainError::io("create", &file))?;
    match lock.try_lock() {
        Ok(()) => Ok(Arc::new(lock)),
        Err(TryLockError::WouldBlock) => Err(TrainError::Busy { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(TrainError::io("lock", &file)(error)),
    }
}
