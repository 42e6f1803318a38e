//! The file operations that a run needs, behind one trait, so that a test can stop, refuse or forget any of them.
//!
//! Here belongs how bytes reach a disk and stay there. Which files a run has, and in which order they are written, does
//! not.

mod disk;
mod durable;
mod guarded;
mod lock_file;
mod room;

pub use disk::Disk;
pub(crate) use durable::{
    UNFINISHED, create_folders, exists, free_name, list, put_file, read, remove_file, remove_tree, rename,
    rename_folder, retire, sync_folder, with_suffix, write,
};
pub use durable::{create_shared_file, replace_file, replace_shared_file};
pub use guarded::Guarded;
pub(crate) use room::{is_full, room};

use std::ffi::OsString;
use std::fmt::Debug;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place for files. A path that ends in a link is never followed, so that a run changes nothing outside its folder.
///
/// Whatever was not synced may be lost in a power cut: the bytes of a file without [`sync_file`](Self::sync_file), and
/// the names in a folder (created, renamed, removed) without [`sync_folder`](Self::sync_folder).
pub trait Storage: Debug + Send + Sync {
    /// What is at `path`; `None` where there is nothing.
    ///
    /// # Errors
    /// If the system does not answer.
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>>;

    /// The same place without a link on the way, so that it stays the same wherever a link leads later. Where there is no
    /// link, it is the path as it was given.
    ///
    /// # Errors
    /// If there is nothing at `path`, or the system does not answer.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }

    /// The names in a folder, in any order.
    ///
    /// # Errors
    /// If it is missing, no folder, or cannot be read.
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;

    /// The bytes of a regular file.
    ///
    /// # Errors
    /// If it is missing, something else, longer than `at_most` bytes, or cannot be read.
    fn read(&self, file: &Path, at_most: u64) -> io::Result<Vec<u8>>;

    /// The bytes of a regular file, one after the other. Where the file stays open, as on a disk, they can be read after
    /// it has lost its name, and have what was appended meanwhile.
    ///
    /// # Errors
    /// If it is missing, something else, or cannot be read.
    fn reader(&self, file: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.read(file, u64::MAX)?)))
    }

    /// The first bytes of a regular file, `length` of them or all that there are.
    ///
    /// # Errors
    /// If it is missing, something else, or cannot be read.
    fn read_start(&self, file: &Path, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader(file)?.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The last bytes of a regular file, `length` of them or all that there are.
    ///
    /// # Errors
    /// If it is missing, something else, or cannot be read.
    fn read_end(&self, file: &Path, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = self.read(file, u64::MAX)?;
        let n_before = bytes.len().saturating_sub(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(bytes.split_off(n_before))
    }

    /// Creates one folder.
    ///
    /// # Errors
    /// If the name is taken or the folder above is missing.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Creates a file with these bytes.
    ///
    /// # Errors
    /// If the name is taken, even by a dangling link, or the bytes do not fit on the disk.
    fn write_new(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Adds bytes at the end of a regular file.
    ///
    /// # Errors
    /// If it is missing or something else, or the bytes do not fit on the disk.
    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Returns when the bytes of a regular file are on the disk.
    ///
    /// # Errors
    /// If it is missing or something else, or the disk reports a failure.
    fn sync_file(&self, file: &Path) -> io::Result<()>;

    /// Returns when the names in a folder are on the disk.
    ///
    /// # Errors
    /// If it is missing, or the disk reports a failure.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Syncs files and folders, which a disk may do in less time together than one after the other.
    ///
    /// # Errors
    /// As for each of them.
    fn sync_together(&self, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()> {
        files.iter().try_for_each(|file| self.sync_file(file))?;
        folders.iter().try_for_each(|folder| self.sync_folder(folder))
    }

    /// Gives a file or folder another name, at once.
    ///
    /// # Errors
    /// If it is missing, or `to` is a folder with something in it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name, if that is free: of several that do so at once, one succeeds.
    ///
    /// # Errors
    /// If the name is taken; [`ErrorKind::Unsupported`](io::ErrorKind::Unsupported) where files have one name.
    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        let _ = (file, name);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Removes a file or a link.
    ///
    /// # Errors
    /// If it is missing or a folder.
    fn remove_file(&self, file: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    ///
    /// # Errors
    /// If it is missing or not empty.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;

    /// Locks a regular file for as long as the result lives, and writes `owner` into it. A missing file is created; one
    /// that is there keeps its bytes until the lock is taken. `None` if another process holds it. One that has other
    /// names, as in a copy of a run that consists of hard links, is replaced by a file of its own.
    ///
    /// # Errors
    /// If it is something else, or cannot be created, locked or written; one that was created for it is gone then.
    fn lock(&self, file: &Path, owner: &str) -> io::Result<Option<Arc<dyn Lock>>>;

    /// Whether a process holds the lock of a file. An owner stands in it while it does, and after its death.
    ///
    /// # Errors
    /// If the file is missing, something else, or cannot be read.
    fn is_locked(&self, file: &Path) -> io::Result<bool> {
        Ok(!self.read(file, u64::MAX)?.is_empty())
    }
}

/// The lock of a file, held while it lives.
pub trait Lock: Debug + Send + Sync {
    /// Whether the locked file still bears the name under which it was locked: it may have been removed or replaced, and so
    /// may any folder above it.
    ///
    /// # Errors
    /// If the system does not answer.
    fn is_in_place(&self) -> io::Result<bool>;
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its kind.
    pub kind: EntryKind,
    /// Of a file: its bytes.
    pub size: u64,
}

/// The kinds of entries that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, wherever it leads.
    Link,
    /// A device, a pipe or a socket.
    Other,
}
