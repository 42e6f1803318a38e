//! The file system.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use super::lock_file::lock_file;
use super::{Entry, EntryKind, Lock, Storage};

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

    /// On platforms other than Unix a path is taken as it is.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let resolved = fs::canonicalize(path)?;
        // As it was typed where that is the same, so that messages name it so.
        let has_a_link = cfg!(unix) && resolved != std::path::absolute(path)?;
        Ok(if has_a_link { resolved } else { path.to_owned() })
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
        to_sync(file)?.sync_all()
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

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        match fs::hard_link(file, name) {
            // What Linux reports where the file system has no links, as FAT.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(ErrorKind::Unsupported.into()),
            result => result,
        }
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir(folder)
    }

    fn lock(&self, file: &Path, owner: &str) -> io::Result<Option<Arc<dyn Lock>>> {
        lock_file(file, owner)
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

/// A file open for writing: Windows syncs no other.
fn to_sync(file: &Path) -> io::Result<File> {
    open_regular(file, File::options().write(true))
}

/// Opens a file that is there and is neither a link nor a device, also if one takes its place at this moment. Nothing
/// is truncated.
pub(super) fn open_regular(path: &Path, options: &OpenOptions) -> io::Result<File> {
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
pub(super) fn is_at(open: &Metadata, path: &Path) -> io::Result<bool> {
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

pub(super) fn not_regular() -> io::Error {
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
    fn a_file_is_open_for_writing_when_it_is_synced() -> Outcome {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("weights");
        fs::write(&file, "bytes")?;
        to_sync(&file)?.set_len(2)?;
        assert_eq!(fs::read(&file)?, b"by");
        Ok(())
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
