//! A command line whose loss fails on one process of a run: what `tests/mpi/run` starts with `mpirun`.

use std::env;
use std::process::{ExitCode, exit};
use std::sync::atomic::{AtomicUsize, Ordering};

use qkv::Registry;
use qkv::train::{CrossEntropy, Loss, LossValue, Prediction};
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
        let rank = env::var("OMPI_COMM_WORLD_RANK").ok().and_then(|rank| rank.parse().ok());
        if rank != Some(self.rank) || VALUES.fetch_add(1, Ordering::Relaxed) < self.after {
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

fn main() -> ExitCode {
    qkv::run(Registry::new().loss("failing", |loss: &Failing| Ok(loss.clone())))
}
