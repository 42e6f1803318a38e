//! The name of a folder that a new run can have.

use std::path::{Path, PathBuf};

/// A folder beside that of a run which does not exist yet: with `suffix` behind its name, and behind that the first
/// number that is free. None for a name that no command can hold.
pub fn free_folder(run: &Path, suffix: &str) -> Option<PathBuf> {
    // Without a separator at its end; `.` has no name.
    let run: PathBuf = run.components().collect();
    let run = if run.file_name().is_some() { run } else { run.canonicalize().ok()? };
    let name = run.file_name()?.to_str()?;
    let (stem, number) = match name.rsplit_once('-').map(|(stem, digits)| (stem, digits.parse::<u64>())) {
        Some((stem, Ok(number))) if !stem.is_empty() => (stem, number),
        _ => (name, 1),
    };
    let (stem, first) = match stem.ends_with(suffix) {
        true => (stem.to_owned(), number.saturating_add(1)),
        false => (format!("{name}{suffix}"), 1),
    };
    let folder = |number: u64| match number {
        1 => run.with_file_name(&stem),
        _ => run.with_file_name(format!("{stem}-{number}")),
    };
    (first..u64::MAX).map(folder).find(|folder| folder.symlink_metadata().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::LOWER_RATE;
    use std::fs;

    #[test]
    fn a_suggested_folder_is_free_and_keeps_the_name_of_the_run() {
        let sandbox = tempfile::tempdir().expect("a folder");
        let root = sandbox.path();
        let name = |run: &str, suffix| {
            let free = free_folder(&root.join(run), suffix).expect("a name");
            free.strip_prefix(root).expect("beside the run").to_str().expect("UTF-8").to_owned()
        };
        for taken in ["run", "run-2", "reverse-1", "run-lower-lr", "7"] {
            fs::create_dir(root.join(taken)).expect("a folder");
        }
        for (run, free) in [("run", "run-3"), ("run/", "run-3"), ("reverse-1", "reverse-2"), ("7", "7-2")] {
            assert_eq!(name(run, ""), free, "{run}");
        }
        for (run, free) in [
            ("run", "run-lower-lr-2"),
            ("run-lower-lr", "run-lower-lr-2"),
            ("run-lower-lr-2", "run-lower-lr-3"),
            ("reverse-1", "reverse-1-lower-lr"),
        ] {
            assert_eq!(name(run, LOWER_RATE), free, "{run}");
        }
    }
}
