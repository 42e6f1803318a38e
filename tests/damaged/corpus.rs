//! The committed files from which damage starts: valid ones, and those that once made a reader fail.

use std::fs;
use std::path::PathBuf;

use crate::SEEDS;

/// The seeds of a reader with their names, in alphabetical order.
pub fn of(reader: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(SEEDS).join(reader);
    let entries = fs::read_dir(&folder).expect("every reader has seeds");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("names are ASCII");
    let mut names: Vec<String> = entries.map(|entry| name(entry.expect("seeds can be listed"))).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), seed(reader, &name))).collect()
}

/// One of them.
pub fn seed(reader: &str, name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(SEEDS).join(reader).join(name)).expect("a seed")
}
