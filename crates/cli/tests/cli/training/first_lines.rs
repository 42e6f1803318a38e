//! The lines of `train` before the first step.

use crate::support::sandbox::Sandbox;

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
