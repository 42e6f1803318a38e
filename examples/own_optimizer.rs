//! The whole command line with an optimizer of your own in it: a run of it stops, goes on and is shown like any other.
//!
//! ```text
//! cargo run --release --example own_optimizer -- train reverse --set optimizer=signum --set optimizer.lr=2e-3 \
//!     --stop-after 200 --out runs/s
//! cargo run --release --example own_optimizer -- train runs/s --resume
//! cargo run --release --example own_optimizer -- eval runs/s
//! ```
//!
//! `--set optimizer.memory=0.95` sets what it has to set; the rate, its schedule and clipping are the trainer's.

use std::process::ExitCode;

use burn::tensor::Tensor;
use qkv::Registry;
use qkv::train::{
    Gradient, Optimizer, ParameterInfo, StateTensor, StateTensors, TrainError, Update, Updated,
};
use serde::{Deserialize, Serialize};

fn main() -> ExitCode {
    qkv::run(Registry::new().optimizer("signum", Signum::build))
}

/// Steps of one length for every weight, against the sign of a running mean of its gradient
/// ([Bernstein et al. 2018, algorithm 2](https://arxiv.org/abs/1802.04434)).
///
/// ```text
/// m = memory · m + (1 - memory) g
/// w = w - lr · sign(m)
/// ```
///
/// It is its own settings, too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Signum {
    memory: f64,
}

impl Default for Signum {
    fn default() -> Self {
        Self { memory: 0.9 }
    }
}

impl Signum {
    fn build(&self) -> Result<Self, TrainError> {
        let fits = (0.0..1.0).contains(&self.memory);
        TrainError::check_number("optimizer.memory", self.memory, "at least 0 and below 1", fits)?;
        Ok(self.clone())
    }
}

impl Optimizer for Signum {
    fn state(&self, parameter: &ParameterInfo) -> Vec<StateTensor> {
        vec![StateTensor { name: "mean", n: parameter.n() }]
    }

    fn update(
        &self,
        update: &Update<'_>,
        weights: Tensor<1>,
        gradient: Gradient,
        state: &mut StateTensors,
    ) -> Updated {
        let gradient = gradient.clipped().mul_scalar(1.0 - self.memory);
        let mean = state.take("mean").mul_scalar(self.memory) + gradient;
        state.put("mean", mean.clone());
        Updated::from(weights - mean.sign().mul_scalar(update.learning_rate))
    }
}
