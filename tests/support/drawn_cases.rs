//! Random cases, the same in every run, each checked in both precisions.

use std::fmt::Debug;

use burn::tensor::{DType, Device};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::backends::places;

/// Draws `n_cases` of `cases` and calls `check` with each of them on each place.
pub fn on_every_place<C: Debug>(
    n_cases: u32,
    cases: &impl Strategy<Value = C>,
    check: impl Fn(&C, (&Device, DType)),
) {
    let config = Config { cases: n_cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let places = places();
    TestRunner::new_with_rng(config, rng)
        .run(cases, |case| {
            for (device, dtype) in &places {
                check(&case, (device, *dtype));
            }
            Ok(())
        })
        .unwrap();
}
