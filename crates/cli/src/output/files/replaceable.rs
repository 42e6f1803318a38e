//! Which files that are there an output may replace: those of its own kind, and empty ones.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};

use crate::exit::usage;

/// Bytes within which a file has its mark.
const BEGINNING: u64 = 512;

/// Refuses a file that neither is empty nor has one of these marks at its beginning; `option` named it, and `what` would be
/// written to it.
pub fn check_replaceable(option: &str, path: &Path, what: &str, marks: &[&str]) -> Result<()> {
    if !path.is_file() {
        return Ok(());
    }
    let place = path.display();
    let mut beginning = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BEGINNING).read_to_end(&mut beginning));
    read.with_context(|| format!("cannot read {place}"))?;
    let beginning = String::from_utf8_lossy(&beginning);
    if beginning.is_empty() || marks.iter().any(|mark| beginning.contains(mark)) {
        return Ok(());
    }
    Err(usage(format!(
        "{option} {place} has something else than {what} in it, and would be replaced; name another file, or remove it"
    )))
}
