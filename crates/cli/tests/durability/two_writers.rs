//! Two processes that start on one folder at once: exactly one trains, and the other leaves it alone.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::proof::holds_for;
use crate::support::sandbox::{Finished, Sandbox};
use crate::tiny_run::{Variant, is_as_if_nothing_had_happened};

/// How many pairs race.
const N_PAIRS: usize = 50;

/// How often a pair may start too far apart to race, as on a busy machine.
const N_TRIES: usize = 5;

#[test]
fn one_of_two_processes_trains_and_the_other_names_it() {
    holds_for("two writers", 0..N_PAIRS, |pair| {
        let has_raced = (0..N_TRIES).any(|_| match pair % 2 {
            0 => a_fresh_pair_races(),
            _ => a_resuming_pair_races(),
        });
        assert!(has_raced, "one process always ended before the other began");
    });
}

fn a_fresh_pair_races() -> bool {
    let sandbox = Sandbox::in_memory();
    race(&sandbox, "", |finished| {
        // Later than the first event the folder is no longer free, and the lock is not asked for.
        finished.code == Some(2) && finished.stderr.contains("already holds a run")
    })
}

fn a_resuming_pair_races() -> bool {
    let sandbox = Sandbox::in_memory();
    sandbox.succeeds(&Variant::Whole.line("run", "--stop-after 7"));
    // As a process leaves it that was killed.
    fs::write(sandbox.path("run/run.lock"), "1\n").unwrap();
    race(&sandbox, "--resume", |_| false)
}

/// Lets two processes race; `false` if one had trained the run to its end before the other looked at it.
#[track_caller]
fn race(sandbox: &Sandbox, more: &str, is_refused: impl Fn(&Finished) -> bool) -> bool {
    let line = Variant::Whole.line("run", more);
    let start = || {
        let mut command = sandbox.command(&line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let started = Instant::now();
    let pair = [start(), start()];
    let ids = pair.each_ref().map(Child::id);
    let ended = pair.map(|child| std::thread::spawn(move || ended(child)));
    let [one, other] = ended.map(|thread| thread.join().unwrap());
    let trained = |finished: &Finished| finished.stdout.contains("\"event\":\"start\"");
    let winner = match [&one.0, &other.0].map(trained) {
        [true, false] => ids[0],
        [false, true] => ids[1],
        both => panic!("{both:?} have trained: {one:#?}\n{other:#?}"),
    };
    let ((won, won_at), (lost, lost_at)) = if winner == ids[0] { (one, other) } else { (other, one) };
    assert_eq!(won.code, Some(0), "{won:#?}");
    is_as_if_nothing_had_happened(sandbox, "run", Variant::Whole);
    let is_busy = lost.code == Some(3) && lost.stderr.contains(&format!("process {winner}"));
    if lost_at > won_at && (lost.code == Some(0) || is_refused(&lost)) {
        return false;
    }
    assert!(is_busy || is_refused(&lost), "{lost:#?}");
    let patience = Duration::from_secs(2).max(2 * Variant::Whole.duration());
    assert!(lost_at - started < patience, "it was refused after {:?}", lost_at - started);
    true
}

fn ended(child: Child) -> (Finished, Instant) {
    let finished = child.wait_with_output().unwrap().into();
    (finished, Instant::now())
}
