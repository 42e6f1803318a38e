//! Attention learns to reverse a sequence, and only with learnable matrices.

use serde_json::Value;

use crate::support::sandbox::Sandbox;
use crate::support::tensors::tensors;
use crate::support::trained::{main_job, sandbox_with_the_main_job};

/// The last event of the run in `run`.
fn done(sandbox: &Sandbox, run: &str) -> Value {
    let done = sandbox.metrics(run).pop().unwrap();
    assert_eq!((&done["event"], &done["examples"]), (&"done".into(), &10_000.into()));
    done
}

#[test]
fn the_defaults_get_all_of_ten_thousand_test_sequences_right() {
    let sandbox = sandbox_with_the_main_job();
    let done = done(&sandbox, "run");
    assert_eq!((&done["step"], &done["sequence_accuracy"]), (&500.into(), &1.0.into()));
}

#[test]
fn so_do_nine_other_seeds() {
    for seed in 1..10 {
        let sandbox = Sandbox::new();
        sandbox.succeeds(&format!("train reverse --quiet --out run --seed {seed}"));
        assert_eq!(done(&sandbox, "run")["sequence_accuracy"], 1.0);
    }
}

#[test]
fn the_screen_shows_the_matrices_the_result_the_map_and_where_to_look_further() {
    let job = main_job();
    assert_eq!(job.stderr, "");
    let before_the_first_step = job.stdout.split("step      1").next().unwrap();
    for shape in
        ["W_Q [32 × 32] = 1,024", "W_K [32 × 32] = 1,024", "W_V [32 × 32] = 1,024", "3,840 parameters"]
    {
        assert!(before_the_first_step.contains(shape), "no `{shape}` in\n{}", job.stdout);
    }
    for text in [
        "sequence accuracy 1.0000",
        "on 10,000 examples",
        "attention weights of layer 0, head 0",
        "inspect runs/reverse-1",
        "explain runs/reverse-1",
        "eval runs/reverse-1",
    ] {
        assert!(job.stdout.contains(text), "no `{text}` in\n{}", job.stdout);
    }
    // A pipe gets no colours, and no bar that is drawn over itself.
    assert!(!job.stdout.contains(['\u{1b}', '\r']));
}

#[test]
fn the_commands_that_the_screen_suggests_work() {
    let sandbox = Sandbox::new();
    sandbox.place("runs/reverse-1", &main_job().run);
    let suggested = main_job().stdout.split("look further:").nth(1).unwrap();
    let mut started = 0;
    let lines = suggested.lines().filter_map(|line| line.trim().strip_prefix(env!("CARGO_BIN_EXE_qkv")));
    for command in lines {
        // What the command does stands behind it, after several spaces, or below it.
        sandbox.succeeds(command.trim().split("   ").next().unwrap());
        started += 1;
    }
    assert_eq!(started, 5);
}

#[test]
fn every_query_looks_at_the_key_across_the_middle() {
    let sandbox = sandbox_with_the_main_job();
    let maps = tensors(&sandbox.read("run/snapshots/step-00000500.safetensors"));
    let map = &maps["blocks.0.attention.weights"];
    assert_eq!(map.shape, [3, 1, 16, 16]);
    let largest = |row: &[f64]| (0..16).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
    let across = map.values.chunks(16).take(16).enumerate();
    let across = across.filter(|(query, row)| largest(row) == 15 - query).count();
    // A neighbour may win in the middle, where the two lie side by side and both are read.
    assert!(across >= 14, "{across} of 16\n{:?}", map.values);
}

/// The same job with other projections.
fn variant(projections: &'static str) -> (Value, Sandbox) {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("train reverse --quiet --out run --set model.projections={projections}"));
    (done(&sandbox, "run"), sandbox)
}

#[test]
fn without_the_matrices_no_sequence_is_learned() {
    let (done, sandbox) = variant("none");
    assert!(done["sequence_accuracy"].as_f64().unwrap() < 0.001, "{done}");
    let weights = tensors(&sandbox.read("run/checkpoints/step-00000500/model.safetensors"));
    assert!(weights.keys().all(|name| !name.contains(".w_")), "{:?}", weights.keys());
}

#[test]
fn with_frozen_matrices_no_sequence_is_learned_and_they_do_not_move() {
    let (done, sandbox) = variant("frozen");
    assert!(done["sequence_accuracy"].as_f64().unwrap() < 0.001, "{done}");
    let [start, end] = [0, 500].map(|step| {
        let file = format!("run/checkpoints/step-{step:08}/model.safetensors");
        tensors(&sandbox.read(&file))
    });
    for (name, end) in &end {
        let frozen = name.contains(".w_");
        assert_eq!(start[name] == *end, frozen, "{name}");
    }
}
