//! What it costs that a run cannot be lost, by the run's own account.

use crate::support::sandbox::Sandbox;

/// The share of the default job that may go into saving.
const MOST: f64 = 0.05;

/// How often it is measured at most: other programs make single shares greater, none makes all of them so.
const N_RUNS: usize = 20;

/// On a disk, because it is the disk that takes the time.
fn share_of_saving() -> f64 {
    let sandbox = Sandbox::new();
    let done = sandbox.succeeds("train reverse --json --out run").events().pop().unwrap();
    let seconds = |key: &str| done[key].as_f64().unwrap();
    assert!(seconds("checkpoint_seconds") > 0.0, "{done}");
    let share = seconds("checkpoint_seconds") / seconds("seconds");
    let milliseconds = 1e3 * seconds("checkpoint_seconds");
    println!("saving took {milliseconds:.1} ms of {:.2} s, {:.1} %", seconds("seconds"), 100.0 * share);
    share
}

#[test]
fn saving_takes_less_than_a_twentieth_of_the_default_job() {
    let has_room = (0..N_RUNS).any(|_| share_of_saving() < MOST);
    assert!(has_room, "in each of {N_RUNS} runs saving took {} % or more", 100.0 * MOST);
}
