//! From a batch to the logits at its targets.

use burn::tensor::Tensor;
use qkv_model::{Hook, Mode, Stage};

use super::LossInputs;
use crate::error::{PartFault, TrainError};
use crate::model::Model;
use crate::task::TargetKind;
use crate::training::Batch;

/// What a model predicts of a batch, as far as a loss or a metric reads it.
#[derive(Debug, Clone)]
pub struct Prediction<'a> {
    /// At the positions that carry loss, `[n_targets, vocab_size]`; where answers are `n` real numbers, the first of them,
    /// `[n_targets, n]`.
    pub logits: Tensor<2>,
    /// Of what: its `targets` are the right answers.
    pub batch: &'a Batch,
    /// At every position, `[batch, seq_len, d_model]`; `None` unless it was asked for.
    pub features: Option<Tensor<3>>,
    /// Before dropout, `[batch, heads, seq_len, seq_len]` of every layer; none unless they were asked for.
    pub attention_weights: Vec<Tensor<4>>,
    /// The tokens that the model writes by itself behind each source, example by example, of a task that has a
    /// [`Translation`](crate::Translation); `None` unless they were asked for.
    pub answers: Option<Vec<Vec<u32>>>,
}

impl<'a> Prediction<'a> {
    /// The forward pass of `model` on `batch`, with what is read besides logits.
    ///
    /// # Errors
    /// If the model does not fit the batch, or shows no attention weights.
    pub fn new<M: Model>(
        model: &M,
        batch: &'a Batch,
        mode: Mode,
        inputs: LossInputs,
    ) -> Result<Self, TrainError> {
        if inputs.attention_weights {
            let done = "asked for its attention weights";
            return Self::with_hook(model, batch, (mode, inputs), &mut |_, _, x: Tensor<4>| x, done);
        }
        let features = model.features(batch.tokens.clone(), mode);
        Self::of_features(model, batch, inputs, features)
    }

    /// The same of a pass with `hook`, whose attention weights are those that it returns; `done` is what the model is for
    /// that.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if the model shows nothing to hooks.
    pub(crate) fn with_hook<M: Model>(
        model: &M,
        batch: &'a Batch,
        (mode, inputs): (Mode, LossInputs),
        hook: &mut dyn Hook,
        done: &'static str,
    ) -> Result<Self, TrainError> {
        let mut attention_weights = Vec::new();
        let mut keep = |layer, stage, x: Tensor<4>| {
            let x = hook.at(layer, stage, x);
            if inputs.attention_weights && stage == Stage::Weights {
                attention_weights.push(x.clone());
            }
            x
        };
        let features = model.features_with(batch.tokens.clone(), mode, &mut keep);
        let features = features.ok_or(PartFault::NotWritten { method: "features_with", done })?;
        Ok(Self { attention_weights, ..Self::of_features(model, batch, inputs, features)? })
    }

    fn of_features<M: Model>(
        model: &M,
        batch: &'a Batch,
        inputs: LossInputs,
        features: Tensor<3>,
    ) -> Result<Self, TrainError> {
        let kept = inputs.features.then(|| features.clone());
        let logits = logits_of(model, features, batch)?;
        Ok(Self { logits, batch, features: kept, attention_weights: Vec::new(), answers: None })
    }

    /// The answers in the shape and the precision of the logits: tokens as ones among zeros, distributions, or numbers.
    pub fn answers(&self) -> Tensor<2> {
        let [_, width] = self.logits.dims();
        let answers = match &self.batch.vectors {
            Some(vectors) => vectors.clone(),
            None => self.batch.targets.clone().one_hot::<2>(width).float(),
        };
        answers.cast(self.logits.dtype())
    }

    /// What is predicted of one target, whose `batch` is that of [`Batch::target`].
    pub fn with_target<'b>(&self, target: usize, batch: &'b Batch) -> Prediction<'b> {
        let Self { logits, features, attention_weights, .. } = self.clone();
        Prediction { logits: logits.narrow(0, target, 1), batch, features, attention_weights, answers: None }
    }
}

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
    let n_targets = batch.n_targets();
    let got = features.dims();
    if got[..2] != [n_examples, seq_len] {
        let expected = format!("[{n_examples}, {seq_len}, d_model]");
        return Err(PartFault::ModelShape { what: "features", expected, got: got.to_vec() }.into());
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
        return Err(PartFault::ModelShape { what: "logits", expected, got: vec![n_rows, vocab_size] }.into());
    }
    batch.check_targets(vocab_size)?;
    Ok(match (&batch.vectors, batch.target_kind) {
        (Some(vectors), TargetKind::Numbers) => logits.narrow(1, 0, vectors.dims()[1]),
        _ => logits,
    })
}
