//! Files in memory, to be read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use qkv_run::{Entry, EntryKind, Lock, RunFolder, Storage};

/// Where the run lies.
const RUN: &str = "run";

/// The bytes of files by path.
#[derive(Debug)]
struct Memory(BTreeMap<PathBuf, Vec<u8>>);

/// A run with these files, which cannot be written.
pub fn run(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> RunFolder {
    let files = files.into_iter().map(|(name, bytes)| (Path::new(RUN).join(name), bytes)).collect();
    RunFolder::open_on(Arc::new(Memory(files)), Path::new(RUN)).expect("a run has a config")
}

impl Storage for Memory {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        Ok(match self.0.get(path) {
            Some(bytes) => Some(Entry { kind: EntryKind::File, size: bytes.len() as u64 }),
            None if self.0.keys().any(|file| file.starts_with(path)) => {
                Some(Entry { kind: EntryKind::Folder, size: 0 })
            }
            None => None,
        })
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let below = |file: &PathBuf| Some(file.strip_prefix(folder).ok()?.iter().next()?.to_owned());
        let mut names: Vec<OsString> = self.0.keys().filter_map(below).collect();
        names.dedup();
        Ok(names)
    }

    fn read(&self, file: &Path, at_most: u64) -> io::Result<Vec<u8>> {
        let bytes = self.0.get(file).ok_or(ErrorKind::NotFound)?;
        if bytes.len() as u64 > at_most { Err(ErrorKind::FileTooLarge.into()) } else { Ok(bytes.clone()) }
    }

    fn create_folder(&self, _: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn write_new(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn append(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_file(&self, _: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn remove_file(&self, _: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn remove_folder(&self, _: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn lock(&self, _: &Path, _: &str) -> io::Result<Option<std::sync::Arc<dyn Lock>>> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }
}
