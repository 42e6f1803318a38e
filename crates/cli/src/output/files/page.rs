//! The file that a page is written to: `--out`.

use std::fs;
use std::path::Path;
use std::process;

use anyhow::{Context, Error, Result};
use qkv_run::{Disk, replace_shared_file};

use super::replaceable::check_replaceable;
use crate::exit::usage;

/// What tells a page from another file: its generator, and for pages of versions before, what their scripts may do.
const MARKS: [&str; 2] = [
    "<meta name=\"generator\" content=\"qkv\">",
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:",
];

/// A file that is not there, or is a page, in a folder that is there.
pub struct PageFile<'a>(&'a Path);

impl<'a> PageFile<'a> {
    /// Refuses a folder, a file in a folder that is missing, and a file whose content a page would destroy.
    pub fn new(path: &'a Path) -> Result<Self> {
        let place = path.display();
        if path.is_dir() {
            return Err(usage(format!("--out {place} is a folder; name a file")));
        }
        let folder = folder_of(path);
        if !folder.is_dir() {
            return Err(usage(format!(
                "--out {place}: the folder {} does not exist; create it, or name a file in another",
                folder.display()
            )));
        }
        check_replaceable("--out", path, "a page", &MARKS)?;
        Ok(Self(path))
    }

    /// Writes the page, and returns where it is, for the user. A page that was there stays whole until then.
    pub fn write(&self, page: &str) -> Result<String> {
        let place = self.0.display();
        let result = match self.0.exists() && !self.0.is_file() {
            // Such as /dev/stdout, in whose place no file is put.
            true => fs::write(self.0, page).map_err(Error::from),
            false => {
                // A link still leads to its file.
                let file = self.0.canonicalize().unwrap_or_else(|_| self.0.to_owned());
                replace_shared_file(&Disk, &file, page.as_bytes(), &process::id().to_string())
                    .map_err(Error::from)
            }
        };
        result.with_context(|| format!("cannot write {place}"))?;
        Ok(written(self.0, page))
    }
}

/// "61 kB: open study.html in a browser".
pub fn written(path: &Path, page: &str) -> String {
    format!("{} kB: open {} in a browser", page.len() / 1000, path.display())
}

/// The folder that a file lies in, or would.
pub fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
