//! Cross-entropy with answers that are not quite certain.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;
use serde::{Deserialize, Serialize};

use super::cross_entropy::of_answers;
use super::{Loss, LossValue, Prediction};
use crate::error::TrainError;
use crate::task::TargetKind;

/// `label-smoothing`: cross-entropy with the right answer at `1 - smoothing` and the rest of it spread over the whole
/// vocabulary ([Szegedy et al. 2016](https://arxiv.org/abs/1512.00567)), as in PyTorch; its part `cross_entropy` is that
/// without smoothing. In the place of the right answer, a distribution is mixed with the even one alike.
///
/// ```text
/// loss = -1/n Σ [ (1 - smoothing) · log p[target] + smoothing / vocab_size · Σ_v log p[v] ],   p = softmax(logits)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelSmoothing {
    /// Share of the answer that is spread, in `[0, 1]`; 0.1.
    pub smoothing: f64,
}

impl Default for LabelSmoothing {
    fn default() -> Self {
        Self { smoothing: 0.1 }
    }
}

impl LabelSmoothing {
    /// Checks the setting.
    ///
    /// # Errors
    /// If it is out of range.
    pub fn build(&self) -> Result<Self, TrainError> {
        let fits = (0.0..=1.0).contains(&self.smoothing);
        TrainError::check_number("loss.smoothing", self.smoothing, "between 0 and 1", fits)?;
        Ok(*self)
    }
}

impl Loss for LabelSmoothing {
    fn accepts(&self, kind: TargetKind) -> bool {
        kind != TargetKind::Numbers
    }

    fn value(&self, prediction: Prediction<'_>) -> LossValue {
        let log_p = log_softmax(prediction.logits.clone(), 1);
        let of_answers = of_answers(&prediction, log_p.clone());
        let (cross_entropy, of_all) = (of_answers.mean().neg(), log_p.mean().neg());
        let total =
            cross_entropy.clone().mul_scalar(1.0 - self.smoothing) + of_all.mul_scalar(self.smoothing);
        LossValue::from(total).with_part("cross_entropy", cross_entropy)
    }

    fn of_targets(&self, prediction: &Prediction<'_>) -> Tensor<1> {
        let log_p = log_softmax(prediction.logits.clone(), 1);
        let of_answers = of_answers(prediction, log_p.clone()).mul_scalar(1.0 - self.smoothing);
        let of_all = log_p.mean_dim(1).squeeze_dim(1).mul_scalar(self.smoothing);
        (of_answers + of_all).neg()
    }
}
