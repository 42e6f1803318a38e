//! The file system.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use super::durable::{UNFINISHED, with_suffix};
use super::{Entry, EntryKind, Lock, Storage};

/// A file is replaced only once, by the first process that locks a copy of a run; a second one looks again.
const LOCK_TRIES: u32 = 3;

/// The file system of this machine. Files get the mode that the umask leaves.
///
/// On Unix the names in a folder are synced by syncing the folder. A file system that has no such operation, and every
/// other platform (Windows opens no folder as a file), writes names in an order of its own: there a power cut may cost
/// the files that were renamed last, but leaves no half one, because the bytes of every file are synced first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Disk;

impl Storage for Disk {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        let found = match fs::symlink_metadata(path) {
            Ok(found) => found,
            // Below a file there is nothing.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let kind = match found.file_type() {
            kind if kind.is_symlink() => EntryKind::Link,
            kind if kind.is_dir() => EntryKind::Folder,
            kind if kind.is_file() => EntryKind::File,
            _ => EntryKind::Other,
        };
        Ok(Some(Entry { kind, size: found.len() }))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn read(&self, file: &Path, at_most: u64) -> io::Result<Vec<u8>> {
        let file = open_regular(file, File::options().read(true))?;
        let size = file.metadata()?.len();
        let too_long = || io::Error::new(ErrorKind::FileTooLarge, format!("longer than {at_most} bytes"));
        if size > at_most {
            return Err(too_long());
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size as usize).map_err(|_| ErrorKind::OutOfMemory)?;
        // One byte more shows that the file has grown meanwhile.
        file.take(at_most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > at_most { Err(too_long()) } else { Ok(bytes) }
    }

    fn reader(&self, file: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(open_regular(file, File::options().read(true))?))
    }

    fn read_end(&self, file: &Path, length: u64) -> io::Result<Vec<u8>> {
        let mut file = open_regular(file, File::options().read(true))?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(length)))?;
        let mut bytes = Vec::new();
        // A log that grows meanwhile has more lines than were asked for.
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn write_new(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        File::options().write(true).create_new(true).open(file)?.write_all(bytes)
    }

    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        open_regular(file, File::options().append(true))?.write_all(bytes)
    }

    fn sync_file(&self, file: &Path) -> io::Result<()> {
        // Windows syncs only what is open for writing.
        open_regular(file, File::options().write(true))?.sync_all()
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if !cfg!(unix) {
            return Ok(());
        }
        match File::open(folder)?.sync_all() {
            // The file system has no such operation.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            result => result,
        }
    }

    fn sync_together(&self, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()> {
        // What waits at the same time, the journal of a file system writes at once.
        let sync = |index: usize| match files.get(index) {
            Some(file) => self.sync_file(file),
            None => self.sync_folder(&folders[index - files.len()]),
        };
        thread::scope(|scope| {
            let waiting: Vec<_> = (0..files.len() + folders.len())
                .map(|index| (index, thread::Builder::new().spawn_scoped(scope, move || sync(index))))
                .collect();
            waiting.into_iter().try_for_each(|(index, thread)| match thread {
                Ok(thread) => thread.join().expect("nothing in it panics"),
                // Without a thread more it takes longer.
                Err(_) => sync(index),
            })
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir(folder)
    }

    fn lock(&self, file: &Path, owner: &str) -> io::Result<Option<Lock>> {
        for _ in 0..LOCK_TRIES {
            let mut options = File::options();
            options.read(true).write(true);
            // A new file is never one that a link leads to; one that is there is opened as it is.
            let lock = match options.clone().create_new(true).open(file) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
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
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // A lock on a file that lost its name meanwhile would keep no one out.
            let open = lock.metadata()?;
            if !is_at(&open, file)? {
                continue;
            }
            let mut lock = if has_other_names(&open) { replace_shared(file, &options)? } else { lock };
            lock.set_len(0)?;
            lock.write_all(owner.as_bytes())?;
            return Ok(Some(Arc::new(Owned(lock))));
        }
        Err(not_regular())
    }

    /// The lock is tried only where an owner stands in the file, so that no process that begins finds it taken by a look,
    /// unless the one before it died.
    fn is_locked(&self, file: &Path) -> io::Result<bool> {
        let file = open_regular(file, File::options().read(true))?;
        if file.metadata()?.len() == 0 {
            return Ok(false);
        }
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
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
struct Owned(File);

impl Drop for Owned {
    /// The owner goes with the lock, so that a run at rest has the same bytes after every training.
    fn drop(&mut self) {
        // A process that dies leaves it, too; the lock alone decides.
        let _ = self.0.set_len(0);
    }
}

/// Opens a file that is there and is neither a link nor a device, also if one takes its place at this moment. Nothing
/// is truncated.
fn open_regular(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        return Err(not_regular());
    }
    let file = options.open(path)?;
    if is_at(&file.metadata()?, path)? { Ok(file) } else { Err(not_regular()) }
}

/// Whether an open file is the one that bears this name, and no link.
fn is_at(open: &Metadata, path: &Path) -> io::Result<bool> {
    let named = fs::symlink_metadata(path)?;
    #[cfg(unix)]
    let same = {
        use std::os::unix::fs::MetadataExt;
        (open.dev(), open.ino()) == (named.dev(), named.ino())
    };
    #[cfg(not(unix))]
    let same = open.len() == named.len();
    Ok(named.is_file() && same)
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|entry| entry.is_file())
}

fn not_regular() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "expected a regular file, found a link or a device; remove it")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::fixtures::{Outcome, contents, run};
    use std::os::unix::fs::PermissionsExt;

    fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
        }
        Ok(found)
    }

    #[test]
    fn all_files_of_a_run_have_the_mode_that_the_umask_leaves() -> Outcome {
        let (folder, run) = run(&[0, 5])?;
        run.write_snapshot(5, b"frame")?;
        io::Write::flush(&mut run.create_metrics()?)?;
        run.write_checkpoint(5, &contents(5))?;
        let other = folder.path().join("other");
        fs::write(&other, "")?;
        let mode = fs::metadata(other)?.permissions().mode();
        let files = files(folder.path())?;
        assert_eq!(files.len(), 2 * 4 + 5, "{files:?}");
        for file in files {
            assert_eq!(fs::metadata(&file)?.permissions().mode(), mode, "{}", file.display());
        }
        Ok(())
    }
}
