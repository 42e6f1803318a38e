//! A disk with two images: what a program sees, and what is left of it after a power cut.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use qkv_run::{Entry, EntryKind, Lock, Storage};

use super::random::Random;

type Names = BTreeMap<OsString, usize>;

/// The disk. Locks are free after a power cut.
#[derive(Debug, Clone, Default)]
pub struct Simulated(Arc<Mutex<Image>>);

/// Files and folders by number; folder 0 is the root.
#[derive(Debug, Clone)]
struct Image {
    nodes: Vec<Node>,
    locked: Vec<usize>,
}

#[derive(Debug, Clone)]
enum Node {
    File { live: Vec<u8>, durable: Vec<u8> },
    Folder { live: Names, durable: Names, pending: Vec<Change> },
}

/// A change of the names in a folder; each reaches the disk whole or not at all. It is about a certain file or folder,
/// not about what bears the name by then.
#[derive(Debug, Clone)]
enum Change {
    Add(OsString, usize),
    Remove(OsString, usize),
    Rename(OsString, OsString, usize),
}

/// What a power cut leaves of that which was not synced.
pub enum Left<'a> {
    /// Nothing.
    Nothing,
    /// Everything: the process died, not the machine.
    Everything,
    /// Any of it, in any order, the bytes of files also torn or as zeros.
    Some(&'a mut Random),
}

impl Default for Image {
    fn default() -> Self {
        Self { nodes: vec![folder(Names::new())], locked: Vec::new() }
    }
}

fn folder(names: Names) -> Node {
    Node::Folder { live: names.clone(), durable: names, pending: Vec::new() }
}

fn apply(names: &mut Names, change: &Change) {
    match change {
        Change::Add(name, node) => drop(names.insert(name.clone(), *node)),
        Change::Remove(name, node) => remove(names, name, *node),
        Change::Rename(from, to, node) => {
            remove(names, from, *node);
            names.insert(to.clone(), *node);
        }
    }
}

fn remove(names: &mut Names, name: &OsString, node: usize) {
    if names.get(name) == Some(&node) {
        names.remove(name);
    }
}

impl Simulated {
    /// The disk after the machine was started again.
    pub fn after_a_power_cut(&self, mut left: Left) -> Self {
        let mut image = self.0.lock().unwrap().clone();
        image.locked.clear();
        for node in &mut image.nodes {
            match node {
                Node::File { live, durable } => {
                    let bytes = remaining(live, durable, &mut left);
                    (*live, *durable) = (bytes.clone(), bytes);
                }
                Node::Folder { durable, pending, .. } => {
                    let mut names = durable.clone();
                    for change in std::mem::take(pending) {
                        if left.has_one_more() {
                            apply(&mut names, &change);
                        }
                    }
                    *node = folder(names);
                }
            }
        }
        Self(Arc::new(Mutex::new(image)))
    }

    /// A copy that goes its own way.
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap().clone())))
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

impl Left<'_> {
    fn has_one_more(&mut self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Some(random) => random.below(2) == 0,
        }
    }
}

/// The bytes of a file after a power cut.
fn remaining(live: &[u8], durable: &[u8], left: &mut Left) -> Vec<u8> {
    match left {
        Left::Nothing => durable.to_vec(),
        Left::Everything => live.to_vec(),
        Left::Some(_) if live == durable => live.to_vec(),
        Left::Some(random) => match random.below(4) {
            0 => durable.to_vec(),
            1 => live.to_vec(),
            // The length came to the disk, the bytes did not.
            2 => {
                let mut bytes = durable.to_vec();
                bytes.resize(live.len(), 0);
                bytes
            }
            _ => live[..durable.len() + random.below(live.len() - durable.len() + 1)].to_vec(),
        },
    }
}

impl Image {
    fn walk(&self, node: usize, path: &Path, paths: &mut Vec<PathBuf>) {
        if let Node::Folder { live, .. } = &self.nodes[node] {
            for (name, node) in live {
                paths.push(path.join(name));
                self.walk(*node, &path.join(name), paths);
            }
        }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut node = 0;
        for component in path.components() {
            match component {
                Component::CurDir => {}
                Component::Normal(name) => {
                    node = *self.names(node)?.get(name).ok_or(ErrorKind::NotFound)?;
                }
                _ => return Err(ErrorKind::InvalidInput.into()),
            }
        }
        Ok(node)
    }

    fn names(&self, node: usize) -> io::Result<&Names> {
        match &self.nodes[node] {
            Node::Folder { live, .. } => Ok(live),
            Node::File { .. } => Err(ErrorKind::NotADirectory.into()),
        }
    }

    fn bytes(&mut self, file: &Path) -> io::Result<(&mut Vec<u8>, &mut Vec<u8>)> {
        let node = self.find(file)?;
        match &mut self.nodes[node] {
            Node::File { live, durable } => Ok((live, durable)),
            Node::Folder { .. } => Err(ErrorKind::IsADirectory.into()),
        }
    }

    /// Changes the names in the folder of `path`.
    fn change(&mut self, path: &Path, change: Change) -> io::Result<()> {
        let parent = self.find(path.parent().unwrap_or(Path::new("")))?;
        match &mut self.nodes[parent] {
            Node::Folder { live, pending, .. } => {
                apply(live, &change);
                pending.push(change);
                Ok(())
            }
            Node::File { .. } => Err(ErrorKind::NotADirectory.into()),
        }
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<()> {
        if self.find(path).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.find(path.parent().unwrap_or(Path::new("")))?;
        self.nodes.push(node);
        self.change(path, Change::Add(name(path), self.nodes.len() - 1))
    }
}

fn name(path: &Path) -> OsString {
    path.file_name().unwrap().to_owned()
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

    fn lock(&self, file: &Path, owner: &str) -> io::Result<Option<Lock>> {
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
        Ok(Some(Arc::new(Held { disk: self.clone(), node })))
    }
}

struct Held {
    disk: Simulated,
    node: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.disk.0.lock().unwrap().locked.retain(|locked| *locked != self.node);
    }
}
