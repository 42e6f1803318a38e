//! A copy of a run that consists of hard links, as `cp -al` makes it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use qkv_run::{Event, Existing, Figure, RunError, RunFolder, StepReport};

use crate::support::life::{config, contents};

/// The bytes of all files below a folder.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(tree(&path)),
            false => drop(files.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    files
}

fn link_all(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() { link_all(&path, &to) } else { fs::hard_link(&path, &to).unwrap() }
    }
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

/// A run that is at rest after step 5.
fn rested(path: &Path) {
    let run = RunFolder::create(path, &config(1).to_string(), Existing::Keep).unwrap();
    let mut log = run.create_metrics().unwrap();
    run.write_checkpoint(0, &contents(1, 0)).unwrap();
    for at in 1..=5 {
        step(at).write(&mut log).unwrap();
    }
    run.write_snapshot(5, b"frame").unwrap();
    run.write_checkpoint(5, &contents(1, 5)).unwrap();
}

/// Trains a run to step 10 and writes all that a training writes; its lock is held until the result goes.
fn train_on(path: &Path) -> RunFolder {
    let run = RunFolder::open(path).unwrap().locked().unwrap();
    let mut log = run.rewind(5).unwrap().log;
    for at in 6..=10 {
        step(at).write(&mut log).unwrap();
    }
    run.write_snapshot(5, b"another frame").unwrap();
    run.write_checkpoint(5, &contents(1, 5)).unwrap();
    run.write_checkpoint(10, &contents(1, 10)).unwrap();
    run.write_config(&config(3).to_string()).unwrap();
    run.write_report(b"page").unwrap();
    run.prune(1, &Figure::loss());
    run
}

#[test]
fn a_run_and_its_copy_are_trained_at_the_same_time_and_neither_changes_the_other() {
    for copy_first in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["original", "copy"].map(|name| folder.path().join(name));
        rested(&paths[0]);
        link_all(&paths[0], &paths[1]);
        let [first, second] = if copy_first { [&paths[1], &paths[0]] } else { [&paths[0], &paths[1]] };
        let before = tree(second);
        let trained = train_on(first);
        assert!(tree(second) == before, "{}", second.display());
        let after = tree(first);
        let also_trained = train_on(second);
        assert!(tree(first) == after, "{}", first.display());
        // Each is locked on its own.
        for path in &paths {
            let refused = RunFolder::open(path).unwrap().locked();
            assert!(matches!(refused, Err(RunError::Busy { .. })), "{refused:?}");
        }
        drop((trained, also_trained));
        for path in &paths {
            let run = RunFolder::open(path).unwrap().locked().unwrap();
            assert_eq!(run.repairs(), []);
            assert_eq!(run.events().unwrap(), (1..=10).map(step).collect::<Vec<_>>());
            assert_eq!(
                fs::read_dir(path).unwrap().count(),
                6,
                "config, lock, log, report, checkpoints, snapshots"
            );
        }
    }
}

#[test]
fn a_copy_that_was_made_while_the_run_is_trained_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let [original, copy] = ["original", "copy"].map(|name| folder.path().join(name));
    rested(&original);
    let trained = train_on(&original);
    link_all(&original, &copy);
    // Whether the owner trains this folder or the other one cannot be seen: no run ever has two.
    for path in [&original, &copy] {
        assert!(matches!(RunFolder::open(path).unwrap().locked(), Err(RunError::Busy { .. })));
    }
    drop(trained);
    let before = tree(&original);
    let run = RunFolder::open(&copy).unwrap().locked().unwrap();
    run.rewind(5).unwrap();
    assert!(tree(&original) == before);
    RunFolder::open(&original).unwrap().locked().unwrap();
}

#[test]
fn of_many_processes_that_lock_a_copy_exactly_one_wins() {
    for round in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let [original, copy] = ["original", "copy"].map(|name| folder.path().join(name));
        rested(&original);
        link_all(&original, &copy);
        let together = std::sync::Barrier::new(4);
        let n_won = std::thread::scope(|scope| {
            let writer = || {
                let run = RunFolder::open(&copy).unwrap();
                together.wait();
                let result = run.locked();
                together.wait();
                match result {
                    Ok(_) => 1,
                    Err(RunError::Busy { .. }) => 0,
                    Err(error) => panic!("round {round}: {error}"),
                }
            };
            let writers = [(); 4].map(|()| scope.spawn(writer));
            writers.map(|writer| writer.join().unwrap()).iter().sum::<u32>()
        });
        assert_eq!(n_won, 1, "round {round}");
    }
}
