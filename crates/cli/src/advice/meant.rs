//! What a name or a path that there is not may have been meant for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use qkv_model::ModelError;
use qkv_run::RunFolder;
use qkv_train::TrainError;

use crate::output::text::shell;
use crate::session::plan::RUNS;

/// What is less like confuses more than it helps.
const LIKE: f64 = 0.6;

/// Entries of a folder that are looked at.
const ENTRIES: usize = 1000;

/// The advice about a name that no config can have, if one that it can have is like it.
pub fn about_a_name(error: &TrainError) -> Option<String> {
    let (TrainError::Model(error) | TrainError::ModelSetting { error, .. }) = error else { return None };
    let ModelError::Unknown { name, known, .. } = error else { return None };
    let meant = nearest(name, known.iter().map(|known| (known.as_str(), known)))?;
    Some(format!("did you mean `{meant}`?"))
}

/// The advice about a run that is not there, if one is called like it beside that place, or in the folder of runs.
pub fn about_a_run(path: &Path) -> Option<String> {
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let runs = [beside, Path::new(RUNS)].into_iter().flat_map(runs_directly_in);
    let named = runs.filter_map(|run| Some((run.file_name()?.to_str()?.to_owned(), run)));
    let named: Vec<(String, PathBuf)> = named.collect();
    let name = path.file_name().and_then(OsStr::to_str)?;
    let meant = nearest(name, named.iter().map(|(name, run)| (name.as_str(), run)))?;
    Some(format!("did you mean {}?", shell::path(meant.strip_prefix(".").unwrap_or(meant))))
}

fn runs_directly_in(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten().take(ENTRIES).map(|entry| entry.path());
    let mut runs: Vec<PathBuf> =
        entries.filter(|path| RunFolder::holds_a_run(path).is_ok_and(|holds| holds)).collect();
    runs.sort();
    runs
}

/// What belongs to the name that is most like `name`, if one is like it; of several the first.
fn nearest<'a, T>(name: &str, known: impl Iterator<Item = (&'a str, T)>) -> Option<T> {
    let alike = known.map(|(known, found)| (strsim::normalized_damerau_levenshtein(name, known), found));
    let first_of_best = |best: Option<(f64, T)>, (like, found): (f64, T)| match best {
        Some((most, best)) if most >= like => Some((most, best)),
        _ => Some((like, found)),
    };
    let best = alike.filter(|(like, _)| *like >= LIKE).fold(None, first_of_best);
    best.map(|(_, found)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_names_that_are_most_alike_is_meant() {
        let nearest =
            |name: &str| nearest(name, [("copy", 0), ("max", 1), ("sort", 2), ("sorr", 3)].into_iter());
        assert_eq!((nearest("sor"), nearest("sorry"), nearest("cpoy")), (Some(2), Some(3), Some(0)));
        assert_eq!((nearest("reverse"), nearest("")), (None, None));
    }
}
