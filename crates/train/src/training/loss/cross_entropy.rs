//! Cross-entropy with the right answers.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;
use qkv_model::fused;

use super::{Loss, LossValue, Prediction};
use crate::task::TargetKind;

/// `cross-entropy`: the mean over all targets, in nats; fused where a gradient is wanted and the answers are tokens.
///
/// ```text
/// loss = -1/n Σ log softmax(logits)[target]             answers that are tokens
/// loss = -1/n Σ Σ_v p[v] · log softmax(logits)[v]       answers that are distributions p
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CrossEntropy;

impl Loss for CrossEntropy {
    fn accepts(&self, kind: TargetKind) -> bool {
        kind != TargetKind::Numbers
    }

    fn is_cross_entropy(&self) -> bool {
        true
    }

    fn value(&self, prediction: Prediction<'_>) -> LossValue {
        if prediction.batch.vectors.is_some() {
            return LossValue::from(self.of_targets(&prediction).mean());
        }
        let Prediction { logits, batch, .. } = prediction;
        let device = logits.device();
        // Without a backward the kernel saves nothing.
        let fused = if device.is_autodiff() { fused::cross_entropy(&logits, &batch.targets) } else { None };
        let plain = || CrossEntropyLossConfig::new().init(&device).forward(logits, batch.targets.clone());
        LossValue::from(fused.unwrap_or_else(plain))
    }

    fn of_targets(&self, prediction: &Prediction<'_>) -> Tensor<1> {
        of_answers(prediction, log_softmax(prediction.logits.clone(), 1)).neg()
    }
}

/// What the answers have of `log_p`, `[n_targets, vocab_size]`: the entry of a token, the mean under a distribution.
pub(super) fn of_answers(prediction: &Prediction<'_>, log_p: Tensor<2>) -> Tensor<1> {
    let of_answers = match prediction.batch.vectors {
        Some(_) => (log_p * prediction.answers()).sum_dim(1),
        None => log_p.gather(1, prediction.batch.targets.clone().unsqueeze_dim(1)),
    };
    of_answers.squeeze_dim(1)
}
