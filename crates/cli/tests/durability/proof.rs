//! A claim that is tried on many cases.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Tries `claim`, which panics where it does not hold, on every case; prints how many hold and how long it took.
#[track_caller]
pub fn holds_for<C: Debug>(name: &str, cases: impl IntoIterator<Item = C>, claim: impl Fn(&C)) {
    let started = Instant::now();
    let (mut n_cases, mut failed) = (0, Vec::new());
    for case in cases {
        n_cases += 1;
        if catch_unwind(AssertUnwindSafe(|| claim(&case))).is_err() {
            failed.push(case);
        }
    }
    let (n_held, seconds) = (n_cases - failed.len(), started.elapsed().as_secs_f64());
    println!("{name}: {n_held} of {n_cases} hold, in {seconds:.1} s");
    assert!(failed.is_empty() && n_cases > 0, "{name}: does not hold for {failed:?}");
}
