//! From features to the number that is minimised.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::Tensor;
use qkv_model::Mode;
use qkv_model::fused::cross_entropy;

use super::batch::Batch;
use crate::error::TrainError;
use crate::model::Model;

/// Logits at the positions that carry loss, `[n_targets, vocab_size]`.
pub(crate) fn logits<M: Model>(model: &M, batch: &Batch, mode: Mode) -> Result<Tensor<2>, TrainError> {
    logits_of(model, model.features(batch.tokens.clone(), mode), batch)
}

/// The same of given features, `[batch, seq_len, d_model]`.
pub(crate) fn logits_of<M: Model>(
    model: &M,
    features: Tensor<3>,
    batch: &Batch,
) -> Result<Tensor<2>, TrainError> {
    let [n_examples, seq_len, _] = batch.tokens.dims();
    let [n_targets] = batch.targets.dims();
    let got = features.dims();
    if got[..2] != [n_examples, seq_len] {
        let expected = format!("[{n_examples}, {seq_len}, d_model]");
        return Err(TrainError::ModelShape { what: "features", expected, got: got.to_vec() });
    }
    let features = features.reshape([n_examples * seq_len, got[2]]);
    // Where every position carries loss, picking them all would only copy them.
    let picked = if n_targets == n_examples * seq_len {
        features
    } else {
        features.select(0, batch.positions.clone())
    };
    let logits = model.logits(picked);
    let [n_rows, vocab_size] = logits.dims();
    if n_rows != n_targets {
        let expected = format!("[{n_targets}, vocab_size]");
        return Err(TrainError::ModelShape { what: "logits", expected, got: vec![n_rows, vocab_size] });
    }
    batch.check_targets(vocab_size)?;
    Ok(logits)
}

/// Mean cross-entropy over the positions that carry loss, in nats; `[1]`.
///
/// ```text
/// loss = -1/n Σ log softmax(logits)[target]
/// ```
pub(crate) fn loss<M: Model>(model: &M, batch: &Batch, mode: Mode) -> Result<Tensor<1>, TrainError> {
    let logits = logits(model, batch, mode)?;
    if let Some(loss) = cross_entropy(&logits, &batch.targets) {
        return Ok(loss);
    }
    Ok(CrossEntropyLossConfig::new().init(&logits.device()).forward(logits, batch.targets.clone()))
}
