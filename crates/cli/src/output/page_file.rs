//! The file that a page is written to: `--out`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result};

use crate::exit::usage;

/// What every page begins with.
const BEGINNING: &[u8] = b"<!DOCTYPE html>";

/// A file that is not there, or is a page.
pub struct PageFile<'a>(&'a Path);

impl<'a> PageFile<'a> {
    /// Refuses a folder, and a file whose content a page would destroy.
    pub fn new(path: &'a Path) -> Result<Self> {
        let place = path.display();
        if path.is_dir() {
            return Err(usage(format!("--out {place} is a folder; name a file")));
        }
        if path.is_file() && !is_replaceable(path).with_context(|| format!("cannot read {place}"))? {
            return Err(usage(format!(
                "--out {place} has something else than a page in it, and would be replaced; name another file, or \
                 remove it"
            )));
        }
        Ok(Self(path))
    }

    /// Writes the page, and returns where it is, for the user.
    pub fn write(&self, page: &str) -> Result<String> {
        let place = self.0.display();
        fs::write(self.0, page).with_context(|| format!("cannot write {place}"))?;
        Ok(written(self.0, page))
    }
}

/// "61 kB: open study.html in a browser".
pub fn written(path: &Path, page: &str) -> String {
    format!("{} kB: open {} in a browser", page.len() / 1000, path.display())
}

/// Whether a file is empty or a page.
fn is_replaceable(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    File::open(path)?.take(BEGINNING.len() as u64).read_to_end(&mut beginning)?;
    Ok(beginning.is_empty() || beginning == BEGINNING)
}
