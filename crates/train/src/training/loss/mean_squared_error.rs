//! Squared distance of logits to the answers.

use burn::tensor::Tensor;

use super::{Loss, LossValue, Prediction};

/// `mean-squared-error`: the mean squared difference between logits and one-hot answers; plain. Classifiers learn with it
/// about as well as with cross-entropy ([Hui and Belkin 2021](https://arxiv.org/abs/2006.07322)).
///
/// ```text
/// loss = 1/(n · vocab_size) Σ Σ_v (logits[v] - [v = target])²
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MeanSquaredError;

impl Loss for MeanSquaredError {
    fn value(&self, prediction: Prediction<'_>) -> LossValue {
        LossValue::from(squares(&prediction).mean())
    }

    fn of_targets(&self, prediction: &Prediction<'_>) -> Tensor<1> {
        squares(prediction).mean_dim(1).squeeze_dim(1)
    }
}

/// `[n_targets, vocab_size]`.
fn squares(Prediction { logits, batch, .. }: &Prediction<'_>) -> Tensor<2> {
    let [_, vocab_size] = logits.dims();
    let one_hot = batch.targets.clone().one_hot::<2>(vocab_size).float().cast(logits.dtype());
    (logits.clone() - one_hot).square()
}
