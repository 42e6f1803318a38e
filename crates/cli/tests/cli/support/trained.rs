//! The main job, trained once for all tests that look at its result.

use std::sync::OnceLock;

use crate::support::sandbox::{Sandbox, Tree};

/// A small encoder and decoder: the name of a number becomes its digits.
pub const TINY_PAIR: &str = "translate --set model.name=encoder-decoder --set model.n_layers=1 --set task.to=digits \
     --set task.largest=999 --set train.batch_size=4 --set train.eval_examples=10";

/// What `qkv train reverse` printed and left behind.
pub struct Trained {
    pub stdout: String,
    pub stderr: String,
    /// The run folder, in memory: each test places a copy of its own, which it may change.
    pub run: Tree,
}

/// The main job with its defaults, seed 0.
pub fn main_job() -> &'static Trained {
    static MAIN_JOB: OnceLock<Trained> = OnceLock::new();
    MAIN_JOB.get_or_init(|| {
        let sandbox = Sandbox::new();
        let finished = sandbox.succeeds("train reverse");
        Trained { stdout: finished.stdout, stderr: finished.stderr, run: sandbox.tree("runs/reverse-1") }
    })
}

/// A sandbox with the main job's result in `run`.
pub fn sandbox_with_the_main_job() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.place("run", &main_job().run);
    sandbox
}
