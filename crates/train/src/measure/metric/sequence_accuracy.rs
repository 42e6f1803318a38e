//! How many examples are without a mistake.

use qkv_run::{Evaluation, Figure};

use super::{Measured, Metric, MetricSums};
use crate::task::{TargetKind, Task};

/// `sequence-accuracy`: the share of examples in which every target has the right answer on top, as [`accuracy`] has it.
/// Its number is called `sequence_accuracy`. Of a [`Translation`](crate::Translation) it is the share of answers that are
/// written without a mistake: as long as every token is right, a model that writes sees what it sees here.
///
/// [`accuracy`]: super::Accuracy
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SequenceAccuracy;

impl Metric for SequenceAccuracy {
    fn figures(&self, task: &dyn Task) -> Vec<Figure> {
        match task.target_kind() {
            TargetKind::Numbers => Vec::new(),
            _ => vec![Figure::larger_is_better(Evaluation::SEQUENCE_ACCURACY)],
        }
    }

    fn add(&self, measured: &Measured<'_>, sums: &mut MetricSums) {
        let targets_per_example = &measured.prediction.batch.targets_per_example;
        let (mut rest, mut n_right) = (measured.right(), 0);
        for &n_targets in targets_per_example {
            let (of_example, after) = rest.split_at(n_targets);
            n_right += usize::from(of_example.iter().all(|&right| right));
            rest = after;
        }
        sums.add(Evaluation::SEQUENCE_ACCURACY, n_right as f64, targets_per_example.len() as f64);
    }
}
