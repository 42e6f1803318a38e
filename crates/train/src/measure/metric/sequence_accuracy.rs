//! How many examples are without a mistake.

use qkv_run::{Evaluation, Figure};

use super::accuracy::right;
use super::{Measured, Metric, MetricSums};
use crate::task::{TargetKind, Task};

/// `sequence-accuracy`: the share of examples in which every target has the right answer on top, as [`accuracy`] has it.
/// Its number is called `sequence_accuracy`.
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
        let right = right(measured.prediction);
        let mut rest = right.as_slice();
        for &n_targets in &measured.prediction.batch.targets_per_example {
            let (of_example, after) = rest.split_at(n_targets);
            let is_right = of_example.iter().all(|&right| right);
            sums.add(Evaluation::SEQUENCE_ACCURACY, f64::from(u8::from(is_right)), 1.0);
            rest = after;
        }
    }
}
