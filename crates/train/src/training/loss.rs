//! From features to the number that is minimised.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::Tensor;
use qkv_model::Mode;
use qkv_model::fused::cross_entropy;

use super::batch::Batch;
use crate::model::Model;

/// Logits at the positions that carry loss, `[n_targets, vocab_size]`.
pub(crate) fn logits<M: Model>(model: &M, batch: &Batch, mode: Mode) -> Tensor<2> {
    logits_of(model, model.features(batch.tokens.clone(), mode), batch)
}

/// The same of given features, `[batch, seq_len, d_model]`.
pub(crate) fn logits_of<M: Model>(model: &M, features: Tensor<3>, batch: &Batch) -> Tensor<2> {
    let [n_examples, seq_len, d_model] = features.dims();
    let features = features.reshape([n_examples * seq_len, d_model]);
    let [n_targets] = batch.positions.dims();
    // Where every position carries loss, picking them all would only copy them.
    let picked = if n_targets == n_examples * seq_len {
        features
    } else {
        features.select(0, batch.positions.clone())
    };
    model.logits(picked)
}

/// Mean cross-entropy over the positions that carry loss, in nats; `[1]`.
///
/// ```text
/// loss = -1/n Σ log softmax(logits)[target]
/// ```
pub(crate) fn loss<M: Model>(model: &M, batch: &Batch, mode: Mode) -> Tensor<1> {
    let logits = logits(model, batch, mode);
    if let Some(loss) = cross_entropy(&logits, &batch.targets) {
        return loss;
    }
    CrossEntropyLossConfig::new().init(&logits.device()).forward(logits, batch.targets.clone())
}
