//! A storage that changes nothing once its run is no longer this process's own.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use super::{Entry, Lock, Storage};
use crate::error::RunError;

/// The storage of a run whose lock or claim is held. Every operation goes by a path, at which another run may lie by now, so that
/// each that changes anything asks first whether what is held is where it was taken. It costs a look at one name, and leaves
/// the moment between that look and the operation.
#[derive(Debug)]
pub struct Guarded {
    storage: Arc<dyn Storage>,
    /// Weak, so that a checkpoint of the run, which is only read, does not keep it locked.
    lock: Weak<dyn Lock>,
    run: PathBuf,
    lost: fn(PathBuf) -> RunError,
}

impl Guarded {
    /// The storage of a run whose lock is held.
    pub(crate) fn new(storage: Arc<dyn Storage>, lock: &Arc<dyn Lock>, run: &Path) -> Self {
        let lost = |path| RunError::LockLost { path };
        Self { storage, lock: Arc::downgrade(lock), run: run.to_owned(), lost }
    }

    /// The storage of a run that is claimed, whether its lock is held or not: once the claim is lost, every change is
    /// refused with [`RunError::ClaimLost`].
    pub fn by_claim(storage: Arc<dyn Storage>, claim: &Arc<dyn Lock>, run: &Path) -> Self {
        let lost = |path| RunError::ClaimLost { path };
        Self { storage, lock: Arc::downgrade(claim), run: run.to_owned(), lost }
    }

    /// The storage, to change something in it.
    fn to_change(&self) -> io::Result<&dyn Storage> {
        match self.lock.upgrade().map(|lock| lock.is_in_place()).transpose()? {
            Some(true) => Ok(&*self.storage),
            _ => Err(io::Error::other((self.lost)(self.run.clone()))),
        }
    }
}

impl Storage for Guarded {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        self.storage.entry(path)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.storage.resolve(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.storage.list(folder)
    }

    fn read(&self, file: &Path, at_most: u64) -> io::Result<Vec<u8>> {
        self.storage.read(file, at_most)
    }

    fn reader(&self, file: &Path) -> io::Result<Box<dyn Read + Send>> {
        self.storage.reader(file)
    }

    fn read_start(&self, file: &Path, length: u64) -> io::Result<Vec<u8>> {
        self.storage.read_start(file, length)
    }

    fn read_end(&self, file: &Path, length: u64) -> io::Result<Vec<u8>> {
        self.storage.read_end(file, length)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.to_change()?.create_folder(folder)
    }

    fn write_new(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.to_change()?.write_new(file, bytes)
    }

    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.to_change()?.append(file, bytes)
    }

    // What is synced elsewhere would be reported as saved here.
    fn sync_file(&self, file: &Path) -> io::Result<()> {
        self.to_change()?.sync_file(file)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.to_change()?.sync_folder(folder)
    }

    fn sync_together(&self, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()> {
        self.to_change()?.sync_together(files, folders)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.to_change()?.rename(from, to)
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        self.to_change()?.link(file, name)
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        self.to_change()?.remove_file(file)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.to_change()?.remove_folder(folder)
    }

    fn lock(&self, file: &Path, owner: &str) -> io::Result<Option<Arc<dyn Lock>>> {
        self.storage.lock(file, owner)
    }

    fn is_locked(&self, file: &Path) -> io::Result<bool> {
        self.storage.is_locked(file)
    }
}
