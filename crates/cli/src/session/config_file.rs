//! The text of a config that a user names.

use std::io::{Error, ErrorKind};
use std::path::Path;

use qkv_run::{Disk, Storage};
use qkv_train::TrainError;

/// A config is a page or two.
const MAX_CONFIG: u64 = 1 << 20;

/// Reads a regular file, or the one that a link leads to. A pipe would wait and a device may never end, so neither is
/// opened.
pub fn read(path: &Path) -> Result<String, TrainError> {
    let failed = TrainError::io("read", path);
    let bytes = path.canonicalize().and_then(|file| match file.metadata()?.file_type() {
        kind if kind.is_file() || kind.is_dir() => Disk.read(&file, MAX_CONFIG),
        _ => Err(Error::new(ErrorKind::InvalidInput, "expected a regular file, found a pipe or a device")),
    });
    let text = bytes.and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Error::new(ErrorKind::InvalidData, format!("expected UTF-8, found something else at byte {at}"))
        })
    });
    text.map_err(failed)
}
