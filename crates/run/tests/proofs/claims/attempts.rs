use std::time::Duration;

use qkv_run::{Lock, Next, Queue, RunError};

use super::{RUN, claims};
use crate::support::simulated::Simulated;

/// Of every worker's own clock.
const LEASE: Duration = Duration::from_secs(60);

/// The only run, as a worker meets it that waits for longer than the lease.
fn meet(disk: &Simulated, worker: &str) -> (Queue, Next) {
    let mut queue = Queue::new(claims(disk.clone(), worker), LEASE, [RUN.to_owned()]);
    let mut next = queue.next(|| Duration::ZERO, |_| Ok(false)).unwrap();
    if matches!(next, Next::Wait) {
        next = queue.next(|| LEASE * 2, |_| Ok(false)).unwrap();
    }
    (queue, next)
}

#[test]
fn a_run_that_ends_every_worker_is_given_up_and_one_that_gets_further_is_not() {
    let disk = Simulated::default();
    // One worker dies, the attempt of the next one is cut short, and the third one dies again.
    let (_, Next::Train(_)) = meet(&disk, "first") else { panic!("it is free") };
    let (_, Next::Train(claim)) = meet(&disk, "second") else { panic!("its worker died") };
    claim.interrupt("signal: 9\n(SIGKILL)").unwrap();
    let (_, Next::Train(claim)) = meet(&disk, "third") else { panic!("it was given back") };
    let expected = ["signal: 9 (SIGKILL)", "first died or stood still"];
    assert_eq!(claim.history().unwrap().interruptions(), expected);
    let further = disk.copy();
    let (queue, Next::End) = meet(&disk, "fourth") else { panic!("three attempts came to nothing") };
    let (run, entry) = &queue.failed()[0];
    let history = queue.claims().history(run, entry).unwrap();
    let failure =
        "cut short 3 times without a new checkpoint, the last time because third died or stood still";
    assert_eq!((run.as_str(), history.failure()), (RUN, failure));
    // It is tried again as any other failure, three times.
    for worker in ["a", "b", "c"] {
        let mut queue = Queue::new(claims(disk.clone(), worker), LEASE, [RUN.to_owned()]);
        queue.retry_failed().unwrap();
        let Ok(Next::Train(claim)) = queue.next(|| Duration::ZERO, |_| Ok(false)) else { panic!("{worker}") };
        claim.interrupt("the disk is full").unwrap();
    }
    assert!(matches!(meet(&disk, "d").1, Next::End));
    // The third worker saves before it dies.
    let third = claims(further.clone(), "third-again").take(RUN, &claim.entry()).unwrap().unwrap();
    third.record_progress(5).unwrap();
    // The same checkpoint once more is no progress.
    let (_, Next::Train(fifth)) = meet(&further, "fifth") else { panic!("it got further") };
    fifth.record_progress(5).unwrap();
    assert_eq!(fifth.history().unwrap().interruptions().len(), 1);
    assert!(matches!(meet(&further, "sixth").1, Next::Train(_)));
    assert!(matches!(meet(&further, "seventh").1, Next::End));
}

#[test]
fn claims_stay_where_another_worker_trains_a_run_that_is_not_done() {
    let disk = Simulated::default();
    let first = claims(disk.clone(), "first");
    drop(first.claim("seed=1").unwrap().unwrap());
    let other = claims(disk.clone(), "other").claim("seed=2").unwrap().unwrap();
    first.remove(|run| Ok(run == "seed=1")).unwrap();
    assert!(other.is_in_place().unwrap() && other.renew().is_ok());
    first.remove(|_| Ok(true)).unwrap();
    assert!(!other.is_in_place().unwrap() && !disk.paths().contains(&"study/.claims".into()));
    assert!(matches!(other.renew(), Err(RunError::ClaimLost { .. })));
    // Once more, where there are none.
    first.remove(|_| Ok(true)).unwrap();
}
