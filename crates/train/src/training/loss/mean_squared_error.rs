//! Squared distance of logits to the answers.

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
    fn value(&self, Prediction { logits, batch, .. }: Prediction<'_>) -> LossValue {
        let [_, vocab_size] = logits.dims();
        let one_hot = batch.targets.clone().one_hot::<2>(vocab_size).float().cast(logits.dtype());
        LossValue::from((logits - one_hot).square().mean())
    }
}
