//! A run that is stopped after any step and goes on in a new process ends as one that was never stopped.

use crate::ending::Ending;
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

/// What else a run can be made of, at least one of each kind that remembers something.
const PARTS: [&str; 18] = [
    "model.positions=rope",
    "model.positions=alibi",
    "model.positions=rope model.attention=reference",
    "model.positions=alibi model.attention=reference train.snapshot_every=0",
    "model.positions=sinusoidal model.embeddings=fixed model.tied=true",
    "model.score=additive model.mask=causal",
    "model.score=dot model.qk_norm=true model.softmax=quiet",
    "model.n_layers=2 model.d_mlp=20 model.norm_kind=rms model.norm=post model.activation=swiglu",
    "model.n_heads=4 model.n_kv_heads=2 model.softcap=5 model.w_o=true model.bias=true",
    "model.projections=frozen",
    "optimizer=adam schedule=linear",
    "optimizer=sgd optimizer.lr=0.1 optimizer.momentum=0.9 schedule=constant",
    "optimizer=lion optimizer.lr=1e-3 schedule=inverse-square-root",
    "optimizer=muon schedule=warmup-stable-decay",
    "loss=label-smoothing loss.smoothing=0.1",
    "loss=mean-squared-error",
    "train.snapshot_every=0",
    "train.keep=1 train.snapshot_every=1 train.eval_every=7",
];

#[test]
fn a_run_goes_on_whatever_it_is_made_of() {
    holds_for("stopped and resumed, made of other parts", PARTS, |parts| {
        let set = parts.split(' ').fold(String::new(), |set, setting| format!("{set} --set {setting}"));
        let sandbox = Sandbox::in_memory();
        let train =
            |run: &str, more: &str| sandbox.succeeds(&Variant::Whole.line(run, &format!("{set} {more}")));
        train("whole", "");
        let whole = Ending::of(&sandbox, "whole");
        for step in [7, 65] {
            train("run", &format!("--stop-after {step}"));
            train("run", "--resume");
            assert_eq!(Ending::of(&sandbox, "run"), whole, "stopped after step {step}");
            std::fs::remove_dir_all(sandbox.path("run")).unwrap();
        }
    });
}
