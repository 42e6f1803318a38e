//! Links, files and folders in place of the parts of a run: refused by name or mended, and nothing outside is touched.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use qkv_run::{Event, Existing, RunError, RunFolder, StepReport};

use crate::support::life::{config, contents};

/// What stands in place of a part of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A link to the part itself, which lies outside the run.
    Link,
    /// A link to nothing.
    Dangling,
    /// A folder in place of a file, a file in place of a folder.
    Other,
}

const KINDS: [Kind; 3] = [Kind::Link, Kind::Dangling, Kind::Other];

const FOLDERS: [&str; 2] = ["checkpoints", "snapshots"];
const FILES: [&str; 3] = ["config.toml", "metrics.jsonl", "run.lock"];

/// Everything below a folder: the bytes of files, the targets of links.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_symlink() {
            found.insert(path.clone(), fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
        } else if kind.is_dir() {
            found.extend(tree(&path));
            found.insert(path, Vec::new());
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn step(step: u64) -> Event {
    Event::Step(StepReport {
        step,
        loss: 0.5,
        lr: 0.1,
        grad_norm: 1.0,
        tokens_per_second: 2.0,
        loss_parts: BTreeMap::new(),
    })
}

/// Trains from `first` to a checkpoint five steps later.
fn train(run: &RunFolder, mut log: qkv_run::Log, first: u64) -> Result<(), RunError> {
    for at in first + 1..=first + 5 {
        let failed =
            |source| RunError::Io { action: "write", path: run.path().join("metrics.jsonl"), source };
        step(at).write(&mut log).map_err(failed)?;
    }
    run.write_snapshot(first + 5, b"frame")?;
    run.write_checkpoint(first + 5, &contents(1, first + 5)).map(drop)
}

fn begin(path: &Path, existing: Existing) -> Result<(), RunError> {
    let run = RunFolder::create(path, &config(1).to_string(), existing)?;
    let log = run.create_metrics()?;
    run.write_checkpoint(0, &contents(1, 0))?;
    train(&run, log, 0)
}

fn resume(path: &Path) -> Result<(), RunError> {
    let run = RunFolder::open(path)?.locked()?;
    run.config()?;
    let newest = run.checkpoints_to_resume(None)?.remove(0);
    newest.read()?;
    train(&run, run.rewind(newest.step)?.log, newest.step)
}

fn overwrite(path: &Path) -> Result<(), RunError> {
    begin(path, Existing::Overwrite)
}

/// Puts something in place of a part of a new run, and does `what` to the run.
#[track_caller]
fn check(part: &str, kind: Kind, what: fn(&Path) -> Result<(), RunError>) -> Result<(), RunError> {
    let folder = tempfile::tempdir().unwrap();
    let [path, outside] = ["run", "outside"].map(|name| folder.path().join(name));
    begin(&path, Existing::Keep).unwrap();
    fs::create_dir(&outside).unwrap();
    let (place, moved) = (path.join(part), outside.join("moved"));
    fs::rename(&place, &moved).unwrap();
    match kind {
        Kind::Link => symlink(&moved, &place).unwrap(),
        Kind::Dangling => symlink(outside.join("missing"), &place).unwrap(),
        Kind::Other if FILES.contains(&part) => {
            fs::create_dir(&place).unwrap();
            fs::write(place.join("thesis.txt"), "years of work").unwrap();
        }
        Kind::Other => fs::write(&place, "years of work").unwrap(),
    }
    let [run_before, before] = [&path, &outside].map(|folder| tree(folder));
    let result = what(&path);
    assert!(tree(&outside) == before, "{part}, {kind:?}: {result:?}");
    if let Err(error) = &result {
        let message = error.to_string();
        // Where there is a folder in place of the config, it is that of another program.
        let is_named = message.contains(part) || matches!(error, RunError::NotEmpty { .. });
        assert!(is_named, "{part}, {kind:?}: {message}");
        let mut run_after = tree(&path);
        // A lock at rest is empty; nothing else was changed.
        run_after.retain(|path, bytes| !path.ends_with("run.lock") || !bytes.is_empty());
        let mut run_before = run_before;
        run_before.retain(|path, bytes| !path.ends_with("run.lock") || !bytes.is_empty());
        assert!(run_after == run_before, "{part}, {kind:?}: {message}");
        // With the part back in its place, the run goes on.
        if place.is_dir() && kind == Kind::Other {
            fs::remove_dir_all(&place)
        } else {
            fs::remove_file(&place)
        }
        .unwrap();
        fs::rename(&moved, &place).unwrap();
        resume(&path).unwrap();
    }
    result
}

#[test]
fn a_resume_refuses_what_is_no_part_of_a_run_by_its_name() {
    for part in FOLDERS.into_iter().chain(FILES) {
        for kind in KINDS {
            let result = check(part, kind, resume);
            assert!(result.is_err(), "{part}, {kind:?}");
        }
    }
}

#[test]
fn a_run_that_is_overwritten_loses_its_own_parts_alone() {
    for part in FOLDERS.into_iter().chain(FILES) {
        for kind in KINDS {
            let result = check(part, kind, overwrite);
            // A link in place of a file that a new run writes is the run's own, and goes.
            let is_mended = ["config.toml", "metrics.jsonl"].contains(&part) && kind != Kind::Other;
            assert_eq!(result.is_ok(), is_mended, "{part}, {kind:?}: {result:?}");
        }
    }
}

#[test]
fn a_folder_of_another_program_is_not_called_a_damaged_run() {
    for part in FOLDERS {
        for kind in [Kind::Dangling, Kind::Other] {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join(part);
            match kind {
                Kind::Dangling => symlink("missing", &place).unwrap(),
                _ => fs::write(&place, "years of work").unwrap(),
            }
            let before = tree(folder.path());
            let refused = begin(folder.path(), Existing::Overwrite);
            assert!(matches!(refused, Err(RunError::NotEmpty { .. })), "{part}, {kind:?}: {refused:?}");
            assert!(tree(folder.path()) == before, "{part}, {kind:?}");
        }
    }
}
