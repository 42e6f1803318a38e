//! The files and folders of a simulated disk, live and durable.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use super::random::Random;

pub type Names = BTreeMap<OsString, usize>;

/// Files and folders by number; folder 0 is the root.
#[derive(Debug, Clone)]
pub struct Image {
    pub nodes: Vec<Node>,
    pub locked: Vec<usize>,
    /// So many of them are in the lower layer of an overlay, whose folders cannot be renamed.
    pub n_lower: usize,
}

#[derive(Debug, Clone)]
pub enum Node {
    File { live: Vec<u8>, durable: Vec<u8> },
    Folder { live: Names, durable: Names, pending: Vec<Change> },
}

/// A change of the names in a folder; each reaches the disk whole or not at all. It is about a certain file or folder,
/// not about what bears the name by then.
#[derive(Debug, Clone)]
pub enum Change {
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
        Self { nodes: vec![folder(Names::new())], locked: Vec::new(), n_lower: 0 }
    }
}

/// A folder whose names are on the disk.
pub fn folder(names: Names) -> Node {
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
    /// What the machine finds when it is started again.
    pub fn after_a_power_cut(&self, left: &mut Left) -> Self {
        let mut image = self.clone();
        image.locked.clear();
        for node in &mut image.nodes {
            match node {
                Node::File { live, durable } => {
                    let bytes = remaining(live, durable, left);
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
        image
    }

    /// The paths below a folder.
    pub fn walk(&self, node: usize, path: &Path, paths: &mut Vec<PathBuf>) {
        if let Node::Folder { live, .. } = &self.nodes[node] {
            for (name, node) in live {
                paths.push(path.join(name));
                self.walk(*node, &path.join(name), paths);
            }
        }
    }

    pub fn find(&self, path: &Path) -> io::Result<usize> {
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

    /// The names in a folder.
    pub fn names(&self, node: usize) -> io::Result<&Names> {
        match &self.nodes[node] {
            Node::Folder { live, .. } => Ok(live),
            Node::File { .. } => Err(ErrorKind::NotADirectory.into()),
        }
    }

    /// The live and the durable bytes of a file.
    pub fn bytes(&mut self, file: &Path) -> io::Result<(&mut Vec<u8>, &mut Vec<u8>)> {
        let node = self.find(file)?;
        match &mut self.nodes[node] {
            Node::File { live, durable } => Ok((live, durable)),
            Node::Folder { .. } => Err(ErrorKind::IsADirectory.into()),
        }
    }

    /// Changes the names in the folder of `path`.
    pub fn change(&mut self, path: &Path, change: Change) -> io::Result<()> {
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

    /// Adds a file or folder under a free name.
    pub fn add(&mut self, path: &Path, node: Node) -> io::Result<()> {
        if self.find(path).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.find(path.parent().unwrap_or(Path::new("")))?;
        self.nodes.push(node);
        self.change(path, Change::Add(name(path), self.nodes.len() - 1))
    }
}

/// The last part of a path.
pub fn name(path: &Path) -> OsString {
    path.file_name().unwrap().to_owned()
}
