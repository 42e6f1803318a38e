//! What an evaluation measures.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use qkv_run::{Evaluation, Figure};

use super::metric::{Accuracy, Metric, SequenceAccuracy};
use crate::error::{PartFault, TrainError};
use crate::task::Task;
use crate::training::{CrossEntropy, Loss, LossInputs};

/// What an evaluation measures; by default the loss is `cross-entropy`, the metrics are `accuracy` and
/// `sequence-accuracy`. [`Parts::measures`](crate::Parts::measures) gives what a training does.
#[derive(Debug, Clone, Copy)]
pub struct Measures<'a> {
    /// The loss.
    pub loss: &'a dyn Loss,
    /// What is measured beside it.
    pub metrics: &'a [Arc<dyn Metric>],
}

static METRICS: LazyLock<Vec<Arc<dyn Metric>>> =
    LazyLock::new(|| vec![Arc::new(Accuracy), Arc::new(SequenceAccuracy)]);

impl Default for Measures<'_> {
    fn default() -> Self {
        Self { loss: &CrossEntropy, metrics: &METRICS }
    }
}

/// Most numbers of an evaluation; a line of the log has room for four times as many.
const MAX_FIGURES: usize = 1000;

impl Measures<'_> {
    /// What they read of a prediction, together.
    pub(crate) fn inputs(&self) -> LossInputs {
        let of_metrics = self.metrics.iter().map(|metric| metric.inputs());
        of_metrics.fold(self.loss.inputs(), |all, some| LossInputs {
            features: all.features || some.features,
            attention_weights: all.attention_weights || some.attention_weights,
            answers: all.answers || some.answers,
        })
    }

    /// Every number of an evaluation on `task`, the loss first.
    ///
    /// # Errors
    /// If the loss cannot be computed for the answers of the task, two numbers have the same name, one has the name of
    /// something else, or there are more than a thousand.
    pub fn figures(&self, task: &dyn Task) -> Result<Vec<Figure>, TrainError> {
        let kind = task.target_kind();
        if !self.loss.accepts(kind) {
            return Err(TrainError::LossOfTargets { loss: format!("{:?}", self.loss), kind });
        }
        let mut figures = vec![Figure::loss()];
        let mut taken = BTreeSet::from([Evaluation::LOSS.to_owned(), "examples".to_owned()]);
        for metric in self.metrics {
            for figure in metric.figures(task) {
                if !taken.insert(figure.name.clone()) {
                    let metric = format!("{metric:?}");
                    return Err(PartFault::FigureTaken { figure: figure.name, metric }.into());
                }
                figures.push(figure);
            }
        }
        let fits = figures.len() <= MAX_FIGURES;
        TrainError::in_range(fits, "train.metrics", "at most 1,000 numbers", figures.len())?;
        Ok(figures)
    }
}
