//! A run that is stopped after any step and goes on in a new process ends as one that was never stopped.

use crate::proof::holds_for;
use crate::support::sandbox::Sandbox;
use crate::tiny_run::{STEPS, Variant, ends_as_if_nothing_had_happened, is_as_if_nothing_had_happened};

#[track_caller]
fn goes_on(stopped_by: &str, variant: Variant, n_threads: [usize; 2]) {
    let sandbox = Sandbox::in_memory();
    sandbox.succeeds(&variant.line_on(n_threads[0], "run", stopped_by));
    sandbox.succeeds(&variant.line_on(n_threads[1], "run", "--resume"));
    is_as_if_nothing_had_happened(&sandbox, "run", variant);
}

#[test]
fn a_run_goes_on_after_every_step() {
    holds_for("stopped after every step", 1..STEPS, |step| {
        goes_on(&format!("--stop-after {step}"), Variant::Whole, [1, 1]);
    });
}

#[test]
fn a_run_goes_on_with_another_number_of_threads() {
    let cases = (1..STEPS).step_by(7).flat_map(|step| [(step, [2, 2]), (step, [2, 1]), (step, [1, 2])]);
    holds_for("stopped and resumed on one or two threads", cases, |(step, n_threads)| {
        goes_on(&format!("--stop-after {step}"), Variant::Whole, *n_threads);
    });
}

#[test]
fn a_run_that_stops_early_goes_on_after_every_step() {
    holds_for("stopped after every step, with an early stop", 1..STEPS, |step| {
        goes_on(&format!("--stop-after {step}"), Variant::EarlyStop, [1, 1]);
    });
}

#[test]
fn a_run_goes_on_after_many_stops() {
    holds_for("stopped again and again", [1, 2, 3, 7], |every| {
        let sandbox = Sandbox::in_memory();
        for step in (*every..STEPS).step_by(*every as usize) {
            let line = Variant::Whole.line("run", &format!("--resume --stop-after {step}"));
            sandbox.succeeds(&line);
        }
        ends_as_if_nothing_had_happened(&sandbox, "run", Variant::Whole);
    });
}
