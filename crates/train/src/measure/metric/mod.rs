//! What an evaluation measures beside the loss: the trait, and the built-in metrics, a file each.
//!
//! How the batches of an evaluation are summed lies in `tally.rs` beside this folder.

mod accuracy;
mod bleu;
mod sequence_accuracy;
mod slice_loss;
mod sums;

pub use accuracy::Accuracy;
pub use bleu::{Bleu, BleuSums};
pub use sequence_accuracy::SequenceAccuracy;
pub use slice_loss::SliceLoss;
pub(crate) use sums::Addition;
pub use sums::MetricSums;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt::Debug;

use qkv_run::Figure;

use crate::task::Task;
use crate::training::{Loss, LossInputs, Prediction};

/// Named numbers of an evaluation: from what a model predicts and the right answers.
///
/// It is a value of settings, without any state: it adds up every batch in the order of the examples, so that the
/// numbers depend neither on how the examples are divided into batches nor on the number of threads, as far as the
/// model's logits do not. An [`Evaluation`](crate::Evaluation) has them by name, and so have the log, the table and the
/// JSON of every command; `train.stop_metric` ends a training by one.
///
/// ```
/// use qkv_model::NoSettings;
/// use qkv_train::{ConfigSource, Figure, Measured, Metric, MetricSums, Registry, Task, TrainError};
///
/// /// By how much the model takes its answers for granted: the mean of the largest probability.
/// #[derive(Debug)]
/// struct Confidence;
///
/// impl Metric for Confidence {
///     fn figures(&self, _: &dyn Task) -> Vec<Figure> {
///         vec![Figure::larger_is_better("confidence")]
///     }
///
///     fn add(&self, measured: &Measured<'_>, sums: &mut MetricSums) {
///         let p = burn::tensor::activation::softmax(measured.prediction.logits.clone(), 1);
///         for largest in p.max_dim(1).into_data().iter::<f64>() {
///             sums.add("confidence", largest, 1.0);
///         }
///     }
/// }
///
/// let registry = Registry::new().metric("confidence", |_: &NoSettings| Ok(Confidence));
/// let settings = ["train.metrics=[\"accuracy\", \"confidence\"]", "train.stop_metric=confidence"];
/// let experiment = registry.read(ConfigSource::Task("reverse"), &settings)?;
/// assert_eq!(format!("{:?}", experiment.parts.metrics), "[Accuracy, Confidence]");
/// # Ok::<(), TrainError>(())
/// ```
pub trait Metric: Debug + Send + Sync {
    /// What it reads besides logits; nothing by default.
    fn inputs(&self) -> LossInputs {
        LossInputs::default()
    }

    /// The numbers that it has on this task; none where it cannot be measured, such as an accuracy where the
    /// [answers](Task::target_kind) are real numbers: nothing is added then. No two metrics of a run have one of the
    /// same name, and none is called `loss` or `examples`.
    fn figures(&self, task: &dyn Task) -> Vec<Figure>;

    /// Adds a batch. `sums` need not have the batches before it: another process may have added them.
    fn add(&self, measured: &Measured<'_>, sums: &mut MetricSums);

    /// The numbers over all batches; by default the mean of every sum.
    fn values(&self, sums: &MetricSums) -> BTreeMap<String, f64> {
        sums.means()
    }
}

/// What a metric sees of a batch.
#[derive(Debug, Clone)]
pub struct Measured<'a> {
    /// What the model predicts, and of what.
    pub prediction: &'a Prediction<'a>,
    /// The loss of the evaluation.
    pub loss: &'a dyn Loss,
    /// What is learned.
    pub task: &'a dyn Task,
    /// Found once for all metrics.
    right: OnceCell<Vec<bool>>,
}

impl<'a> Measured<'a> {
    pub(super) fn new(prediction: &'a Prediction<'a>, loss: &'a dyn Loss, task: &'a dyn Task) -> Self {
        Self { prediction, loss, task, right: OnceCell::new() }
    }

    /// Whether the largest logit is that of the right answer, of a distribution the likeliest, target by target. Real
    /// numbers have no such answer.
    pub fn right(&self) -> &[bool] {
        self.right.get_or_init(|| {
            let Prediction { logits, batch, .. } = self.prediction;
            let right = logits.clone().argmax(1).squeeze_dim::<1>(1).equal(batch.targets.clone());
            right.into_data().iter::<bool>().collect()
        })
    }
}
