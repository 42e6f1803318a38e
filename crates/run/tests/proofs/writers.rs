//! Two writers for one run.

use std::sync::{Arc, Barrier};
use std::thread;

use qkv_run::{Existing, RunError, RunFolder};

use crate::support::life::config;

#[test]
fn of_fifty_pairs_of_writers_exactly_one_wins_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    drop(RunFolder::create(&path, &config(1).to_string(), Existing::Keep).unwrap());
    for pair in 0..50 {
        let together = Arc::new(Barrier::new(2));
        let writers = [(); 2].map(|()| {
            let (path, together) = (path.clone(), Arc::clone(&together));
            thread::spawn(move || {
                let run = RunFolder::open(path).unwrap();
                together.wait();
                let result = run.locked();
                // The winner keeps it until the other has its answer.
                together.wait();
                result.map(drop)
            })
        });
        let results = writers.map(|writer| writer.join().unwrap());
        let n_busy = results.iter().filter(|result| matches!(result, Err(RunError::Busy { .. }))).count();
        let n_won = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!((n_won, n_busy), (1, 1), "pair {pair}: {results:?}");
    }
}

#[test]
fn of_a_hundred_pairs_of_first_starts_exactly_one_writes_its_config() {
    for pair in 0..100 {
        let folder = tempfile::tempdir().unwrap();
        // Of half of them, the folders above are missing, too.
        let path = folder.path().join(["run", "deep/er/run"][pair % 2]);
        let together = Arc::new(Barrier::new(2));
        let writers = [1, 2].map(|seed| {
            let (path, together) = (path.clone(), Arc::clone(&together));
            thread::spawn(move || {
                together.wait();
                let result = RunFolder::create(&path, &config(seed).to_string(), Existing::Keep);
                together.wait();
                result.map(drop)
            })
        });
        let results = writers.map(|writer| writer.join().unwrap());
        let winner = match &results {
            [Ok(()), Err(RunError::Busy { .. } | RunError::Exists { .. })] => 1,
            [Err(RunError::Busy { .. } | RunError::Exists { .. }), Ok(())] => 2,
            other => panic!("pair {pair}: {other:?}"),
        };
        let mut found: toml::Table = RunFolder::open(&path).unwrap().config().unwrap().parse().unwrap();
        RunFolder::take_format(&mut found).unwrap();
        assert_eq!(found, config(winner), "pair {pair}");
    }
}
