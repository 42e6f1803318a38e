//! A storage whose operations are counted, and one of which goes wrong.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use qkv_run::{Entry, Lock, Storage};

use super::simulated::Simulated;

/// What happens at the operation of that number, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It fails with this error, and a write leaves half of its bytes; what follows works.
    Error(usize, ErrorKind),
    /// The process dies in it: it may do half of its work, and nothing follows.
    Death(usize),
    /// The disk is full in the first, and the process, which goes on, dies in the second.
    ErrorThenDeath(usize, usize),
    /// If it is a listing it is empty, as one in the middle of a rename may be, which has neither name.
    NoNames(usize),
    /// The sync of that number, counted from 0 among the syncs, reports success and does nothing.
    IdleSync(usize),
    /// The same, and the process dies at the operation of the second number.
    IdleSyncThenDeath(usize, usize),
}

/// A simulated disk behind a fault.
#[derive(Debug)]
pub struct Faulty {
    disk: Simulated,
    fault: Fault,
    n_operations: AtomicUsize,
    n_syncs: AtomicUsize,
}

/// Whether an operation takes place.
enum Turn {
    Whole,
    Half(io::Error),
    Not(io::Error),
}

impl Faulty {
    pub fn new(disk: &Simulated, fault: Fault) -> Arc<Self> {
        Arc::new(Self {
            disk: disk.clone(),
            fault,
            n_operations: AtomicUsize::new(0),
            n_syncs: AtomicUsize::new(0),
        })
    }

    /// The operations so far, the one that went wrong included.
    pub fn n_operations(&self) -> usize {
        self.n_operations.load(Ordering::Relaxed)
    }

    /// The syncs so far.
    pub fn n_syncs(&self) -> usize {
        self.n_syncs.load(Ordering::Relaxed)
    }

    fn sync(&self, sync: impl FnOnce(&Simulated) -> io::Result<()>) -> io::Result<()> {
        let n = self.n_syncs.fetch_add(1, Ordering::Relaxed);
        let is_idle = matches!(self.fault, Fault::IdleSync(at) | Fault::IdleSyncThenDeath(at, _) if at == n);
        self.whole(|disk| if is_idle { Ok(()) } else { sync(disk) })
    }

    fn turn(&self) -> Turn {
        let n = self.n_operations.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::Error(at, kind) if n == at => Turn::Half(kind.into()),
            Fault::ErrorThenDeath(at, _) if n == at => Turn::Half(ErrorKind::StorageFull.into()),
            Fault::Death(at) | Fault::ErrorThenDeath(_, at) | Fault::IdleSyncThenDeath(_, at) => {
                match n.cmp(&at) {
                    Less => Turn::Whole,
                    Equal => Turn::Half(io::Error::other("the process died")),
                    Greater => Turn::Not(io::Error::other("the process is dead")),
                }
            }
            _ => Turn::Whole,
        }
    }

    /// An operation that is done or not.
    fn whole<T>(&self, operation: impl FnOnce(&Simulated) -> io::Result<T>) -> io::Result<T> {
        match self.turn() {
            Turn::Whole => operation(&self.disk),
            Turn::Half(error) | Turn::Not(error) => Err(error),
        }
    }

    /// An operation that may be done in part.
    fn partly(&self, bytes: &[u8], write: impl Fn(&[u8]) -> io::Result<()>) -> io::Result<()> {
        match self.turn() {
            Turn::Whole => write(bytes),
            Turn::Half(error) => write(&bytes[..bytes.len() / 2]).and(Err(error)),
            Turn::Not(error) => Err(error),
        }
    }
}

impl Storage for Faulty {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        self.whole(|disk| disk.entry(path))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let has_none = self.fault == Fault::NoNames(self.n_operations());
        self.whole(|disk| Ok(if has_none { Vec::new() } else { disk.list(folder)? }))
    }

    fn read(&self, file: &Path, at_most: u64) -> io::Result<Vec<u8>> {
        self.whole(|disk| disk.read(file, at_most))
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.whole(|disk| disk.create_folder(folder))
    }

    fn write_new(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.partly(bytes, |bytes| self.disk.write_new(file, bytes))
    }

    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.partly(bytes, |bytes| self.disk.append(file, bytes))
    }

    fn sync_file(&self, file: &Path) -> io::Result<()> {
        self.sync(|disk| disk.sync_file(file))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.sync(|disk| disk.sync_folder(folder))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.whole(|disk| disk.rename(from, to))
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        self.whole(|disk| disk.remove_file(file))
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.whole(|disk| disk.remove_folder(folder))
    }

    fn lock(&self, file: &Path, owner: &str) -> io::Result<Option<Arc<dyn Lock>>> {
        self.whole(|disk| disk.lock(file, owner))
    }
}
