//! The lines of `train` before the first step.

use crate::support::sandbox::Sandbox;
use crate::support::trained::TINY_PAIR;

#[test]
fn layers_without_the_fused_kernels_are_named_with_the_reason() {
    let sandbox = Sandbox::new();
    let line = "train reverse --steps 1 --set task.seq_len=3 --set model.d_model=4 --set model.n_layers=2";
    let text = sandbox.succeeds(line).stdout;
    assert!(text.contains("1 head\n") && !text.contains("reference implementation"), "{text}");
    let text = sandbox.succeeds(&format!("{line} --set model.score=additive --set model.n_heads=2")).stdout;
    let slower = "slower   layers 0, 1: the reference implementation of attention, because the score is not a dot product\n";
    assert!(text.contains("2 heads\n") && text.contains(slower), "{text}");
}

#[test]
fn the_layers_of_two_sequences_have_their_names_within_80_columns() {
    let sandbox = Sandbox::new();
    let text = sandbox
        .succeeds(&format!("train {TINY_PAIR} --steps 1 --set model.d_model=96 --set model.n_heads=4"))
        .stdout;
    let named = |name: &str| {
        text.lines().any(|line| line.starts_with(&format!("{name} ")) && line.contains("W_Q [96"))
    };
    assert!(["encoder.0", "decoder.0", "decoder.0.cross"].into_iter().all(named), "{text}");
    assert!(!text.contains("layer 0") && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let text = sandbox
        .succeeds(&format!("train {TINY_PAIR} --steps 1 --out slow --set model.score=additive"))
        .stdout;
    assert!(text.contains("slower   layers encoder.0, decoder.0, decoder.0.cross: the reference"), "{text}");
}
