//! Writing so that a file appears complete or not at all.

use std::fs::{self, File};
use std::path::Path;

use crate::error::RunError;

/// Replaces a file at once.
pub(crate) fn replace_file(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), RunError> {
    let unfinished = path.with_extension("tmp");
    fs::write(&unfinished, bytes).map_err(RunError::io("write", &unfinished))?;
    fs::rename(&unfinished, path).map_err(RunError::io("write", path))
}

/// Replaces `folder` by `unfinished`, whose files are on the disk before it gets its name. The old one is moved aside
/// and removed last: at no moment is there neither.
pub(crate) fn replace_folder(unfinished: &Path, folder: &Path) -> Result<(), RunError> {
    sync(unfinished)?;
    let old = folder.with_extension("old");
    if folder.exists() {
        remove_folder(&old)?;
        fs::rename(folder, &old).map_err(RunError::io("write", folder))?;
    }
    fs::rename(unfinished, folder).map_err(RunError::io("write", folder))?;
    remove_folder(&old)?;
    folder.parent().map_or(Ok(()), sync)
}

/// Removes a folder if it is there.
pub(crate) fn remove_folder(folder: &Path) -> Result<(), RunError> {
    if folder.exists() { fs::remove_dir_all(folder).map_err(RunError::io("write", folder)) } else { Ok(()) }
}

/// Writes the files of a folder and its list of them to the disk, so that a power cut leaves no empty ones.
fn sync(folder: &Path) -> Result<(), RunError> {
    let sync =
        |path: &Path| File::open(path).and_then(|file| file.sync_all()).map_err(RunError::io("write", path));
    for entry in fs::read_dir(folder).map_err(RunError::io("read", folder))?.flatten() {
        if entry.path().is_file() {
            sync(&entry.path())?;
        }
    }
    // Only Unix opens folders as files.
    if cfg!(unix) { sync(folder) } else { Ok(()) }
}
