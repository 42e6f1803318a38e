//! The whole command line with a metric of your own in it: how often the right answer is among the `k` likeliest.
//!
//! ```text
//! cargo run --release --example own_metric -- train reverse --set 'train.metrics=["accuracy", "top"]' --out runs/t
//! cargo run --release --example own_metric -- eval runs/t
//! ```
//!
//! `{ name = "top", k = 3 }` in the list sets what it has to set, and `--set train.stop_metric=top_3 --set
//! train.stop_at=0.9` ends a training by it.

use std::process::ExitCode;

use burn::tensor::Tensor;
use qkv::Registry;
use qkv::train::{Figure, Measured, Metric, MetricSums, Task, TrainError};
use serde::{Deserialize, Serialize};

fn main() -> ExitCode {
    qkv::run(Registry::new().metric("top", Top::build))
}

/// The share of targets whose answer has one of the `k` largest logits; it is its own settings, too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Top {
    k: usize,
}

impl Default for Top {
    fn default() -> Self {
        Self { k: 2 }
    }
}

impl Top {
    fn build(&self) -> Result<Self, TrainError> {
        TrainError::check_number("metric.k", self.k, "at least 1", self.k >= 1)?;
        Ok(self.clone())
    }

    fn name(&self) -> String {
        format!("top_{}", self.k)
    }
}

impl Metric for Top {
    fn figures(&self, _: &dyn Task) -> Vec<Figure> {
        vec![Figure::larger_is_better(self.name())]
    }

    fn add(&self, measured: &Measured<'_>, sums: &mut MetricSums) {
        let logits = measured.prediction.logits.clone();
        let answers = logits.clone().gather(1, measured.prediction.batch.targets.clone().unsqueeze_dim(1));
        let larger: Tensor<2> = logits.greater(answers).float().sum_dim(1);
        for n_larger in larger.into_data().iter::<f64>() {
            sums.add(&self.name(), f64::from(u8::from(n_larger < self.k as f64)), 1.0);
        }
    }
}
