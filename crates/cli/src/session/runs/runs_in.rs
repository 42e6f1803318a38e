//! The runs in a folder, or the run that the folder itself is.

use std::path::{Path, PathBuf};

use qkv_run::{RunError, RunFolder};

/// Folders between that which is searched and a run: a sweep has its runs in a folder of its own.
pub const DEPTH: usize = 2;

/// The study as its user wrote it, in the folder of its runs.
pub const STUDY: &str = "study.toml";

/// The runs in a folder and in folders of it, at most [`DEPTH`] levels down, in no order; with the reason where one
/// cannot be looked at.
pub fn runs_in(folder: &Path) -> Vec<(PathBuf, Result<RunFolder, RunError>)> {
    let mut runs = Vec::new();
    find(folder, DEPTH, &mut runs);
    runs
}

fn find(folder: &Path, depth: usize, runs: &mut Vec<(PathBuf, Result<RunFolder, RunError>)>) {
    match RunFolder::holds_a_run(folder) {
        Ok(true) => runs.push((folder.to_owned(), RunFolder::open(folder))),
        Err(error) => runs.push((folder.to_owned(), Err(error))),
        Ok(false) if depth == 0 => {}
        Ok(false) => {
            for entry in folder.read_dir().into_iter().flatten().flatten() {
                // A folder that a link leads to is looked at, but not searched: it may lead back.
                let path = entry.path();
                let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
                if path.is_dir() {
                    find(&path, if is_link { 0 } else { depth - 1 }, runs);
                }
            }
        }
    }
}
