//! Cross-entropy with the right answers.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;
use qkv_model::fused;

use super::{Loss, LossValue, Prediction};

/// `cross-entropy`: the mean over all targets, in nats; fused where a gradient is wanted.
///
/// ```text
/// loss = -1/n Σ log softmax(logits)[target]
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CrossEntropy;

impl Loss for CrossEntropy {
    fn is_cross_entropy(&self) -> bool {
        true
    }

    fn value(&self, Prediction { logits, batch, .. }: Prediction<'_>) -> LossValue {
        let device = logits.device();
        // Without a backward the kernel saves nothing.
        let fused = if device.is_autodiff() { fused::cross_entropy(&logits, &batch.targets) } else { None };
        let plain = || CrossEntropyLossConfig::new().init(&device).forward(logits, batch.targets.clone());
        LossValue::from(fused.unwrap_or_else(plain))
    }

    fn of_targets(&self, Prediction { logits, batch, .. }: &Prediction<'_>) -> Tensor<1> {
        let answers = batch.targets.clone().unsqueeze_dim(1);
        log_softmax(logits.clone(), 1).gather(1, answers).neg().squeeze_dim(1)
    }
}
