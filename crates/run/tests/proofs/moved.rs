//! The folder of a run is moved, replaced or unlocked while it is trained: from then on nothing is written or removed, in
//! this run or in another.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use qkv_run::{Event, Existing, Figure, Log, RunError, RunFolder};

use crate::support::life::{FRAME, config, contents};

/// What another program does meanwhile.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// `rm run/run.lock`
    LockRemoved,
    /// The same, and another process begins to train it.
    LockedAgain,
    /// `mv run elsewhere`
    Moved,
    /// `mv run elsewhere; mv other run`
    Replaced,
}

type Action = fn(&RunFolder, &mut Log) -> Result<(), RunError>;

/// What a training does with its run.
const ACTIONS: [(&str, Action); 8] = [
    ("a line", |_, log| {
        let event = Event::Saved { step: 6, path: "run".to_owned() };
        event.write(log).map_err(|error| error.downcast().unwrap())
    }),
    ("a checkpoint", |run, _| run.write_checkpoint(10, &contents(1, 10)).map(drop)),
    ("a frame", |run, _| run.write_snapshot(10, FRAME)),
    ("older checkpoints", |run, _| run.prune(1, &Figure::loss()).failures.into_iter().try_for_each(Err)),
    ("the config", |run, _| run.write_config(&config(1).to_string())),
    ("the report", |run, _| run.write_report(b"page").map(drop)),
    ("the way back", |run, _| run.rewind(0).map(drop)),
    ("damage", |run, _| run.mark_damaged(&run.at(5)?).map(drop)),
];

fn begin(path: &Path, steps: &[u64]) -> (RunFolder, Log) {
    let run = RunFolder::create(path, &config(1).to_string(), Existing::Keep).unwrap();
    let log = run.create_metrics().unwrap();
    for &step in steps {
        run.write_checkpoint(step, &contents(1, step)).unwrap();
    }
    (run, log)
}

/// The bytes of all files below a folder, but for those of locks.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(tree(&path)),
            false if path.ends_with("run.lock") => {}
            false => drop(files.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    files
}

#[test]
fn a_training_whose_folder_is_no_longer_its_own_changes_nothing_any_more() {
    use Change::{LockRemoved, LockedAgain, Moved, Replaced};
    for change in [LockRemoved, LockedAgain, Moved, Replaced] {
        for (what, action) in ACTIONS {
            let folder = tempfile::tempdir().unwrap();
            let [path, other, elsewhere] = ["run", "other", "elsewhere"].map(|name| folder.path().join(name));
            drop(begin(&other, &[0, 5, 10, 15]));
            let (run, mut log) = begin(&path, &[0, 4, 5]);
            let mut second = None;
            match change {
                LockRemoved => fs::remove_file(path.join("run.lock")).unwrap(),
                LockedAgain => {
                    fs::remove_file(path.join("run.lock")).unwrap();
                    second = Some(RunFolder::open(&path).unwrap().locked().unwrap());
                }
                Moved => fs::rename(&path, &elsewhere).unwrap(),
                Replaced => {
                    fs::rename(&path, &elsewhere).unwrap();
                    fs::rename(&other, &path).unwrap();
                }
            }
            let before = tree(folder.path());
            let result = action(&run, &mut log);
            // Of a run that is gone, nothing is listed that could be removed or renamed.
            let finds_nothing = matches!((change, what), (Moved, "older checkpoints" | "damage"));
            match result {
                Err(RunError::LockLost { path: named }) => assert_eq!(named, path),
                other => assert!(finds_nothing, "{change:?}, {what}: {other:?}"),
            }
            assert!(tree(folder.path()) == before, "{change:?}, {what}");
            drop(second);
        }
    }
}

#[test]
fn a_run_that_is_put_back_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let [path, elsewhere] = ["run", "elsewhere"].map(|name| folder.path().join(name));
    let (run, _log) = begin(&path, &[0]);
    fs::rename(&path, &elsewhere).unwrap();
    assert!(matches!(run.write_checkpoint(5, &contents(1, 5)), Err(RunError::LockLost { .. })));
    fs::rename(&elsewhere, &path).unwrap();
    run.write_checkpoint(5, &contents(1, 5)).unwrap();
    assert_eq!(run.latest().unwrap().step, 5);
}

#[test]
fn a_run_that_was_reached_through_a_link_stays_where_it_is_when_the_link_is_moved() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second, latest] = ["first", "second", "latest"].map(|name| folder.path().join(name));
    fs::create_dir(&first).unwrap();
    drop(begin(&second, &[0, 5, 10]));
    let before = tree(&second);
    symlink(&first, &latest).unwrap();
    let (run, mut log) = begin(&latest, &[0, 5]);
    fs::remove_file(&latest).unwrap();
    symlink(&second, &latest).unwrap();
    Event::Saved { step: 5, path: "run".to_owned() }.write(&mut log).unwrap();
    run.write_snapshot(10, FRAME).unwrap();
    run.write_checkpoint(10, &contents(1, 10)).unwrap();
    assert_eq!(run.prune(1, &Figure::loss()).removed, [5]);
    assert!(tree(&second) == before);
    let first = RunFolder::open(&first).unwrap();
    let steps: Vec<u64> = first.checkpoints().unwrap().iter().map(|checkpoint| checkpoint.step).collect();
    assert_eq!((steps, first.events().unwrap().len(), first.snapshots().unwrap().len()), (vec![0, 10], 1, 1));
}
