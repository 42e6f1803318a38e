//! What it costs that a run cannot be lost, by the run's own account.

use crate::support::sandbox::Sandbox;

#[test]
fn a_run_reports_the_time_that_its_checkpoints_took() {
    // On a disk, because it is the disk that takes the time.
    let sandbox = Sandbox::new();
    let done = sandbox.succeeds("train reverse --json --out run").events().pop().unwrap();
    let seconds = |key: &str| done[key].as_f64().unwrap();
    println!(
        "saving took {:.1} ms of {:.2} s, {:.1} %",
        1e3 * seconds("checkpoint_seconds"),
        seconds("seconds"),
        100.0 * seconds("checkpoint_seconds") / seconds("seconds")
    );
    assert!((f64::MIN_POSITIVE..seconds("seconds")).contains(&seconds("checkpoint_seconds")), "{done}");
}
