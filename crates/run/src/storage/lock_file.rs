//! A file of this machine's disk that is locked, and whether it still has its name.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Lock;
use super::disk::{is_at, not_regular, open_regular};
use super::durable::{UNFINISHED, with_suffix};

/// A file is replaced only once, by the first process that locks a copy of a run; a second one looks again.
const LOCK_TRIES: u32 = 3;

/// [`Storage::lock`](super::Storage::lock) on the disk.
pub(super) fn lock_file(file: &Path, owner: &str) -> io::Result<Option<Arc<dyn Lock>>> {
    for _ in 0..LOCK_TRIES {
        let mut is_new = true;
        let mut options = File::options();
        options.read(true).write(true);
        // A new file is never one that a link leads to; one that is there is opened as it is.
        let lock = match options.clone().create_new(true).open(file) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                is_new = false;
                match open_regular(file, &options) {
                    // Another process gave its name to a new file meanwhile, or it is no file at all.
                    Err(error) if error.kind() == ErrorKind::InvalidInput && is_file(file) => continue,
                    result => result?,
                }
            }
            result => result?,
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => {
                if is_new {
                    let _ = fs::remove_file(file);
                }
                return Err(error);
            }
        }
        // A lock on a file that lost its name meanwhile would keep no one out.
        let open = lock.metadata()?;
        if !is_at(&open, file)? {
            continue;
        }
        let mut lock = if has_other_names(&open) { replace_shared(file, &options)? } else { lock };
        lock.set_len(0)?;
        lock.write_all(owner.as_bytes())?;
        return Ok(Some(Arc::new(Owned { open: lock, path: file.to_owned() })));
    }
    Err(not_regular())
}

/// Gives the name of a locked file to a new one, which is locked before it has the name. The old one, which other names
/// lead to, keeps its bytes: in a copy of a run that consists of hard links it is the lock of the original.
fn replace_shared(file: &Path, options: &OpenOptions) -> io::Result<File> {
    let unfinished = with_suffix(file, UNFINISHED);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let new = options.clone().create_new(true).open(&unfinished)?;
    new.lock()?;
    fs::rename(&unfinished, file)?;
    Ok(new)
}

/// Whether a file has hard links beside the name by which it was opened; unknown on platforms other than Unix.
fn has_other_names(open: &Metadata) -> bool {
    #[cfg(unix)]
    let n_names = std::os::unix::fs::MetadataExt::nlink(open);
    #[cfg(not(unix))]
    let n_names = {
        let _ = open;
        1
    };
    n_names > 1
}

/// A locked file with its owner in it.
#[derive(Debug)]
struct Owned {
    open: File,
    path: PathBuf,
}

impl Lock for Owned {
    /// On platforms other than Unix, where a file has no number here, another file is one of another length.
    fn is_in_place(&self) -> io::Result<bool> {
        match is_at(&self.open.metadata()?, &self.path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
            result => result,
        }
    }
}

impl Drop for Owned {
    /// The owner goes with the lock, so that a run at rest has the same bytes after every training.
    fn drop(&mut self) {
        // A process that dies leaves it, too; the lock alone decides.
        let _ = self.open.set_len(0);
    }
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|entry| entry.is_file())
}
