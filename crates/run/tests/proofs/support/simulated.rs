//! A disk with two images: what a program sees, and what is left of it after a power cut.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use qkv_run::{Entry, EntryKind, Lock, Storage};

use super::image::{Change, Image, Left, Names, Node, folder, name};

/// The disk. Locks are free after a power cut.
#[derive(Debug, Clone, Default)]
pub struct Simulated(Arc<Mutex<Image>>);

impl Simulated {
    /// The disk after the machine was started again.
    pub fn after_a_power_cut(&self, mut left: Left) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap().after_a_power_cut(&mut left))))
    }

    /// A copy that goes its own way.
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap().clone())))
    }

    /// The disk as the lower layer of an overlay, whose upper layer is empty.
    pub fn as_a_lower_layer(&self) -> Self {
        let mut image = self.0.lock().unwrap().clone();
        image.n_lower = image.nodes.len();
        Self(Arc::new(Mutex::new(image)))
    }

    /// The paths of all files and folders.
    pub fn paths(&self) -> Vec<PathBuf> {
        let image = self.0.lock().unwrap();
        let mut paths = Vec::new();
        image.walk(0, Path::new(""), &mut paths);
        paths
    }

    /// Replaces the bytes of a file, durably.
    pub fn put(&self, file: &Path, bytes: &[u8]) {
        let mut image = self.0.lock().unwrap();
        let node = image.find(file).unwrap();
        image.nodes[node] = Node::File { live: bytes.to_vec(), durable: bytes.to_vec() };
    }
}

impl Storage for Simulated {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        let image = self.0.lock().unwrap();
        Ok(image.find(path).ok().map(|node| match &image.nodes[node] {
            Node::File { live, .. } => Entry { kind: EntryKind::File, size: live.len() as u64 },
            Node::Folder { .. } => Entry { kind: EntryKind::Folder, size: 0 },
        }))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let image = self.0.lock().unwrap();
        Ok(image.names(image.find(folder)?)?.keys().cloned().collect())
    }

    fn read(&self, file: &Path, at_most: u64) -> io::Result<Vec<u8>> {
        let mut image = self.0.lock().unwrap();
        let (live, _) = image.bytes(file)?;
        if live.len() as u64 > at_most { Err(ErrorKind::FileTooLarge.into()) } else { Ok(live.clone()) }
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.0.lock().unwrap().add(path, folder(Names::new()))
    }

    fn write_new(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().add(file, Node::File { live: bytes.to_vec(), durable: Vec::new() })
    }

    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().bytes(file)?.0.extend_from_slice(bytes);
        Ok(())
    }

    fn sync_file(&self, file: &Path) -> io::Result<()> {
        let mut image = self.0.lock().unwrap();
        let (live, durable) = image.bytes(file)?;
        durable.clone_from(live);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut image = self.0.lock().unwrap();
        let node = image.find(path)?;
        let names = image.names(node)?.clone();
        image.nodes[node] = folder(names);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        assert_eq!(from.parent(), to.parent(), "a run moves nothing from folder to folder");
        let mut image = self.0.lock().unwrap();
        let node = image.find(from)?;
        if node < image.n_lower && image.names(node).is_ok() {
            return Err(ErrorKind::CrossesDevices.into());
        }
        if let Ok(replaced) = image.find(to)
            && let Ok(names) = image.names(replaced)
            && !names.is_empty()
        {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        image.change(from, Change::Rename(name(from), name(to), node))
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        let mut image = self.0.lock().unwrap();
        image.bytes(file)?;
        let node = image.find(file)?;
        image.change(file, Change::Remove(name(file), node))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let mut image = self.0.lock().unwrap();
        let node = image.find(path)?;
        if !image.names(node)?.is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        image.change(path, Change::Remove(name(path), node))
    }

    fn lock(&self, file: &Path, owner: &str) -> io::Result<Option<Arc<dyn Lock>>> {
        let mut image = self.0.lock().unwrap();
        if image.find(file).is_err() {
            image.add(file, Node::File { live: Vec::new(), durable: Vec::new() })?;
        }
        let node = image.find(file)?;
        if image.locked.contains(&node) {
            return Ok(None);
        }
        image.locked.push(node);
        *image.bytes(file)?.0 = owner.as_bytes().to_vec();
        Ok(Some(Arc::new(Held { disk: self.clone(), node, path: file.to_owned() })))
    }
}

#[derive(Debug)]
struct Held {
    disk: Simulated,
    node: usize,
    path: PathBuf,
}

impl Lock for Held {
    fn is_in_place(&self) -> io::Result<bool> {
        Ok(self.disk.0.lock().unwrap().find(&self.path).is_ok_and(|found| found == self.node))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.disk.0.lock().unwrap().locked.retain(|locked| *locked != self.node);
    }
}
