//! What is minimised: the trait, what it sees of a model, and the built-in losses, a file each.
//!
//! How logits are made of a batch lies in `prediction.rs` and is the same for all. Gradients, clipping and updates belong
//! to none of them.

mod cross_entropy;
mod label_smoothing;
mod mean_squared_error;
mod prediction;

pub use cross_entropy::CrossEntropy;
pub use label_smoothing::LabelSmoothing;
pub use mean_squared_error::MeanSquaredError;
pub use prediction::Prediction;
pub(crate) use prediction::{logits, logits_of};

use std::collections::BTreeMap;
use std::fmt::Debug;

use burn::tensor::Tensor;

use crate::task::TargetKind;

/// A number that a training makes smaller: from what a model predicts and the right answers.
///
/// It is a value of settings, without any state. The same loss is minimised in training and reported by evaluations,
/// where it is the mean over batches, each with the weight of its number of targets; so is that of a training over the
/// `train.shards` of a batch.
///
/// ```
/// use burn::tensor::Tensor;
/// use qkv_train::{CrossEntropy, Loss, LossInputs, LossValue, Prediction};
///
/// /// Cross-entropy, and a penalty on attention weights that are spread out.
/// #[derive(Debug)]
/// struct Focused {
///     penalty: f64,
/// }
///
/// impl Loss for Focused {
///     fn inputs(&self) -> LossInputs {
///         LossInputs { attention_weights: true, ..LossInputs::default() }
///     }
///
///     fn value(&self, prediction: Prediction<'_>) -> LossValue {
///         let n_layers = prediction.attention_weights.len() as f64;
///         let entropy = |weights: &Tensor<4>| {
///             -(weights.clone() * weights.clone().clamp_min(1e-12).log()).sum_dim(3).mean()
///         };
///         let of_layers = prediction.attention_weights.iter().map(entropy).reduce(|sum, next| sum + next);
///         let entropy = of_layers.expect("a model with attention").div_scalar(n_layers);
///         let cross_entropy = CrossEntropy.value(prediction).total;
///         LossValue::from(cross_entropy.clone() + entropy.clone().mul_scalar(self.penalty))
///             .with_part("cross_entropy", cross_entropy)
///             .with_part("entropy", entropy)
///     }
/// }
/// ```
///
/// [`Registry::loss`](crate::Registry::loss) gives it a name in configs.
pub trait Loss: Debug + Send + Sync {
    /// What it reads besides logits; nothing by default.
    fn inputs(&self) -> LossInputs {
        LossInputs::default()
    }

    /// Whether it can be computed for such answers; for tokens alone by default. [`Prediction::answers`] has any of them
    /// as vectors.
    fn accepts(&self, kind: TargetKind) -> bool {
        kind == TargetKind::Tokens
    }

    /// Whether it is the cross-entropy of the right answers in nats, which compares with that of other models; `false` by
    /// default.
    fn is_cross_entropy(&self) -> bool {
        false
    }

    /// Whether the loss of a batch is the mean of the losses of its parts, each with the weight of its number of targets:
    /// `true` by default, and for every mean over targets. `train.shards` divides a batch only then; a loss that compares
    /// examples with each other answers `false`. A penalty on weights, which no part changes, may be added to a mean.
    fn is_mean_over_parts(&self) -> bool {
        true
    }

    /// The loss of a batch, differentiable where the prediction is.
    fn value(&self, prediction: Prediction<'_>) -> LossValue;

    /// The loss of each target alone, `[n_targets]`, for metrics of parts of them; their mean is the loss, where that is
    /// one over targets. By default what [`value`](Self::value) gives for one after the other.
    fn of_targets(&self, prediction: &Prediction<'_>) -> Tensor<1> {
        let [n_targets, _] = prediction.logits.dims();
        let one = |target| self.value(prediction.with_target(target, &prediction.batch.target(target))).total;
        Tensor::cat((0..n_targets).map(one).collect(), 0)
    }
}

/// What a loss reads besides logits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LossInputs {
    /// The features of every position.
    pub features: bool,
    /// The attention weights of every layer, at the price of the reference implementation: no kernel makes maps.
    pub attention_weights: bool,
    /// What the model writes by itself, for metrics of a task that has a [`Translation`](crate::Translation): an evaluation
    /// has it, a training step or an ablation has not.
    pub answers: bool,
}

/// A loss, and the terms that the log shows beside it.
#[derive(Debug, Clone)]
pub struct LossValue {
    /// What is minimised, `[1]`.
    pub total: Tensor<1>,
    /// Named numbers that it is made of, or that it found on the way, `[1]` each.
    pub parts: BTreeMap<String, Tensor<1>>,
}

impl From<Tensor<1>> for LossValue {
    fn from(total: Tensor<1>) -> Self {
        Self { total, parts: BTreeMap::new() }
    }
}

impl LossValue {
    /// With a named number, `[1]`, which changes nothing but the log.
    pub fn with_part(mut self, name: impl Into<String>, part: Tensor<1>) -> Self {
        self.parts.insert(name.into(), part);
        self
    }
}
