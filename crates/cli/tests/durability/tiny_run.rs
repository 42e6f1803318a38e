//! The run of all proofs: as small as a run can be that has dropout, moments, clipping and a schedule to lose.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::ending::Ending;
use crate::support::sandbox::Sandbox;

/// Steps of the whole run.
pub const STEPS: u64 = 120;

/// Steps between two checkpoints.
pub const SAVED_EVERY: u64 = 5;

const SETTINGS: &str = "--set model.d_model=16 --set model.n_heads=2 --set model.dropout=0.1 \
    --set task.seq_len=5 --set task.n_symbols=6 --set optimizer.lr=2e-2 --set schedule.warmup_steps=10 \
    --set train.steps=120 --set train.batch_size=32 --set train.eval_every=10 --set train.eval_examples=200 \
    --set train.checkpoint_every=5 --set train.snapshot_every=10";

/// A way to train it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// To its last step.
    Whole,
    /// To the evaluation in which it is good enough, after a little more than half of its steps.
    EarlyStop,
}

impl Variant {
    /// The command that trains it on one thread into `run`, and goes on with it where `more` asks for that.
    pub fn line(self, run: &str, more: &str) -> String {
        self.line_on(1, run, more)
    }

    /// The same on any number of threads.
    pub fn line_on(self, n_threads: usize, run: &str, more: &str) -> String {
        let target = match self {
            Self::Whole => "",
            Self::EarlyStop => "--set train.stop_at=0.95",
        };
        format!("train reverse {SETTINGS} {target} --threads {n_threads} --json --out {run} {more}")
    }

    /// How it ends if nothing happens.
    pub fn ending(self) -> &'static Ending {
        &self.undisturbed().0
    }

    /// How long the process takes if nothing happens.
    pub fn duration(self) -> Duration {
        self.undisturbed().1
    }

    fn undisturbed(self) -> &'static (Ending, Duration) {
        static RUNS: [OnceLock<(Ending, Duration)>; 2] = [OnceLock::new(), OnceLock::new()];
        RUNS[self as usize].get_or_init(|| {
            let sandbox = Sandbox::in_memory();
            let started = Instant::now();
            sandbox.succeeds(&self.line("run", ""));
            let duration = started.elapsed();
            let ending = Ending::of(&sandbox, "run");
            let last = ending.metrics.last().unwrap()["step"].as_u64().unwrap();
            match self {
                Self::Whole => assert_eq!(last, STEPS),
                Self::EarlyStop => assert!((STEPS / 4..STEPS).contains(&last), "it ends after {last} steps"),
            }
            (ending, duration)
        })
    }
}

/// Goes on with `run` as its user would, in a new process, and compares its end with the one of a run to which nothing
/// happened. Nothing that a death leaves behind may be there afterwards, and the lock is free.
#[track_caller]
pub fn ends_as_if_nothing_had_happened(sandbox: &Sandbox, run: &str, variant: Variant) {
    sandbox.succeeds(&variant.line(run, "--resume"));
    is_as_if_nothing_had_happened(sandbox, run, variant);
}

/// The same for a run that came to its end.
#[track_caller]
pub fn is_as_if_nothing_had_happened(sandbox: &Sandbox, run: &str, variant: Variant) {
    let (ending, expected) = (Ending::of(sandbox, run), variant.ending());
    assert_eq!(ending.metrics, expected.metrics, "the metrics differ");
    assert!(ending == *expected, "the state or the film differs: {ending:?}, expected {expected:?}");
    has_no_left_overs(sandbox, run);
}

/// Nothing that a death leaves behind is there, and the lock is free.
#[track_caller]
pub fn has_no_left_overs(sandbox: &Sandbox, run: &str) {
    let suffixes = [".tmp", ".replaced", ".damaged", ".set-aside"];
    let is_left_over = |name: &str| suffixes.iter().any(|suffix| name.contains(suffix));
    for path in sandbox.tree(run).keys() {
        assert!(!is_left_over(path.to_str().unwrap()), "{} is left over", path.display());
    }
    let lock = std::fs::File::open(sandbox.path(&format!("{run}/run.lock"))).unwrap();
    lock.try_lock().expect("the lock is free");
}
