//! Squared distance of logits to the answers.

use burn::tensor::Tensor;

use super::{Loss, LossValue, Prediction};
use crate::task::TargetKind;

/// `mean-squared-error`: the mean squared difference between logits and answers: one-hot tokens, distributions, or real
/// numbers, of which the first logits are the predictions. Classifiers learn with it about as well as with cross-entropy
/// ([Hui and Belkin 2021](https://arxiv.org/abs/2006.07322)).
///
/// ```text
/// loss = 1/(n · vocab_size) Σ Σ_v (logits[v] - [v = target])²        answers that are tokens
/// loss = 1/(n · m) Σ Σ_i (logits[i] - y[i])²                         answers of m numbers y
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MeanSquaredError;

impl Loss for MeanSquaredError {
    fn accepts(&self, _: TargetKind) -> bool {
        true
    }

    fn value(&self, prediction: Prediction<'_>) -> LossValue {
        LossValue::from(squares(&prediction).mean())
    }

    fn of_targets(&self, prediction: &Prediction<'_>) -> Tensor<1> {
        squares(prediction).mean_dim(1).squeeze_dim(1)
    }
}

/// In the shape of the logits.
fn squares(prediction: &Prediction<'_>) -> Tensor<2> {
    (prediction.logits.clone() - prediction.answers()).square()
}
