//! A run that could not be read back does not begin.

use crate::support::sandbox::Sandbox;

/// The smallest model of so many layers, trained for three steps.
fn train(n_layers: usize) -> String {
    let settings = "task.seq_len=3 model.d_model=2 model.d_mlp=2 train.batch_size=2 train.eval_examples=2 train.snapshot_every=2";
    let set: String = settings.split(' ').map(|setting| format!(" --set {setting}")).collect();
    format!("train reverse --steps 3 --quiet --out run --set model.n_layers={n_layers}{set}")
}

#[test]
fn five_hundred_layers_are_trained_resumed_and_verified() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{} --stop-after 2", train(500)));
    sandbox.succeeds("train run --resume --quiet");
    let lines = sandbox.succeeds("verify run --json").events();
    let last = "checkpoints/step-00000003/optimizer.safetensors";
    assert!(lines.iter().any(|line| line["file"] == last && line["checked"] == "hash"), "{lines:#?}");
    assert_eq!(sandbox.succeeds("eval run --json --examples 2").events()[0]["step"], 3);
}

#[test]
fn more_layers_than_a_checkpoint_can_have_are_refused_before_anything_is_created() {
    let sandbox = Sandbox::new();
    let expected = ["optimizer.safetensors cannot be written", "131072 values", "model of fewer parameters"];
    sandbox.refuses(&train(1000), &expected);
}
