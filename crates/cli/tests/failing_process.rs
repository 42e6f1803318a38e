//! A command line with a loss that fails on one process of a run, and a task that is another one on each: what `tests/mpi/run`
//! starts with `mpirun`.

use std::env;
use std::process::{ExitCode, exit};
use std::sync::atomic::{AtomicUsize, Ordering};

use qkv::Registry;
use qkv::train::{CrossEntropy, Loss, LossValue, ModularAddition, Prediction};
use serde::{Deserialize, Serialize};

/// Cross-entropy, until it fails.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Failing {
    /// On which process; on none where that is not started.
    rank: usize,
    /// Values before.
    after: usize,
    /// `panic`, `error`, `diverge` or `exit`.
    how: String,
}

static VALUES: AtomicUsize = AtomicUsize::new(0);

impl Loss for Failing {
    fn value(&self, prediction: Prediction<'_>) -> LossValue {
        let loss = CrossEntropy.value(prediction).total;
        if rank() != Some(self.rank) || VALUES.fetch_add(1, Ordering::Relaxed) < self.after {
            return loss.into();
        }
        match self.how.as_str() {
            "panic" => panic!("the loss panics"),
            "error" => loss.repeat(&[2]).into(),
            "diverge" => loss.mul_scalar(f64::NAN).into(),
            _ => exit(7),
        }
    }
}

fn rank() -> Option<usize> {
    env::var("OMPI_COMM_WORLD_RANK").ok().and_then(|rank| rank.parse().ok())
}

fn main() -> ExitCode {
    // Of the same pairs others are held out.
    let unlike = |task: &ModularAddition| {
        let train_share = if rank() == Some(1) { 0.8 } else { task.train_share };
        Ok(ModularAddition { train_share, ..task.clone() })
    };
    let registry = Registry::new().loss("failing", |loss: &Failing| Ok(loss.clone()));
    qkv::run(registry.task("unlike", "task.modulus = 7\ntask.train_share = 0.5", unlike))
}
