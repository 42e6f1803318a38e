//! The same bytes from every process, at any number of threads.

use std::collections::BTreeSet;

use crate::support::sandbox::{Sandbox, Tree};

/// Two layers with two heads, W_O, biases, norms, an MLP, a mask and dropout of 0.1: every kind of operation.
const EVERYTHING: &str = "train sort --set model.bias=true --set train.checkpoint_every=3 --steps 5 --quiet";

/// The checkpoints that `line` leaves.
fn checkpoints(line: &str) -> Tree {
    let sandbox = Sandbox::in_memory();
    sandbox.succeeds(&format!("{line} --out run"));
    sandbox.tree("run/checkpoints")
}

#[test]
fn twenty_processes_with_one_to_four_threads_write_the_same_bytes() {
    let first = checkpoints(&format!("{EVERYTHING} --threads 1"));
    assert_eq!(first.values().flatten().count(), 3 * 4, "three checkpoints of four files");
    for process in 1..20 {
        let threads = process % 4 + 1;
        let again = checkpoints(&format!("{EVERYTHING} --threads {threads}"));
        assert!(first == again, "process {process} with {threads} threads");
    }
}

#[test]
fn twenty_seeds_give_twenty_different_weights() {
    let weights = |seed: u32| {
        let mut tree = checkpoints(&format!("{EVERYTHING} --seed {seed}"));
        tree.retain(|path, _| path.ends_with("step-00000005/model.safetensors"));
        tree.pop_first().unwrap().1.unwrap()
    };
    let different: BTreeSet<Vec<u8>> = (0..20).map(weights).collect();
    assert_eq!(different.len(), 20);
}

#[test]
fn large_matrices_are_the_same_with_one_and_four_threads() {
    // 512 × 256 times 256 × 256: far above the size from which matrix products are shared out to threads.
    let line = "train reverse --steps 3 --quiet --set model.d_model=256 --set train.batch_size=64 --set task.seq_len=8";
    let [one, four] = [1, 4].map(|threads| checkpoints(&format!("{line} --threads {threads}")));
    assert!(one == four);
}
