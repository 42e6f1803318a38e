//! The whole command line with a loss of your own in it: cross-entropy, and a penalty on attention that is spread out.
//!
//! ```text
//! cargo run --release --example own_loss -- train reverse --set loss=focused --stop-after 200 --out runs/f
//! cargo run --release --example own_loss -- train runs/f --resume
//! cargo run --release --example own_loss -- eval runs/f
//! ```
//!
//! `--set loss.penalty=0.1` sets what it has to set. Each step of the log has its terms, `loss_parts`.

use std::process::ExitCode;

use burn::tensor::Tensor;
use qkv::Registry;
use qkv::train::{CrossEntropy, Loss, LossInputs, LossValue, Prediction, TrainError};
use serde::{Deserialize, Serialize};

fn main() -> ExitCode {
    qkv::run(Registry::new().loss("focused", Focused::build))
}

/// `cross-entropy + penalty · mean entropy of the attention weights`, over all layers, heads and queries.
///
/// It is its own settings, too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Focused {
    penalty: f64,
}

impl Default for Focused {
    fn default() -> Self {
        Self { penalty: 0.02 }
    }
}

impl Focused {
    fn build(&self) -> Result<Self, TrainError> {
        TrainError::check_number("loss.penalty", self.penalty, "at least 0", self.penalty >= 0.0)?;
        Ok(self.clone())
    }
}

impl Loss for Focused {
    /// The weights cost the reference implementation of attention.
    fn inputs(&self) -> LossInputs {
        LossInputs { attention_weights: true, ..LossInputs::default() }
    }

    fn value(&self, prediction: Prediction<'_>) -> LossValue {
        let layers: Vec<Tensor<1>> = prediction.attention_weights.iter().map(entropy).collect();
        let cross_entropy = CrossEntropy.value(prediction).total;
        let entropy = Tensor::cat(layers, 0).mean();
        let total = cross_entropy.clone() + entropy.clone().mul_scalar(self.penalty);
        LossValue::from(total).with_part("cross_entropy", cross_entropy).with_part("entropy", entropy)
    }
}

/// Of `[batch, heads, q_len, k_len]`: `-Σ w ln w`, the mean over all rows, `[1]`.
fn entropy(weights: &Tensor<4>) -> Tensor<1> {
    (weights.clone() * weights.clone().clamp_min(1e-12).log()).sum_dim(3).mean().neg()
}
