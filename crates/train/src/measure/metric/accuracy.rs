//! How many answers are right.

use qkv_run::{Evaluation, Figure};

use super::{Measured, Metric, MetricSums};
use crate::task::{TargetKind, Task};

/// `accuracy`: the share of targets with the right answer on top; of a distribution, its likeliest token. Real numbers
/// have none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accuracy;

impl Metric for Accuracy {
    fn figures(&self, task: &dyn Task) -> Vec<Figure> {
        match task.target_kind() {
            TargetKind::Numbers => Vec::new(),
            _ => vec![Figure::larger_is_better(Evaluation::ACCURACY)],
        }
    }

    fn add(&self, measured: &Measured<'_>, sums: &mut MetricSums) {
        let right = measured.right();
        let n_right = right.iter().filter(|&&right| right).count();
        sums.add(Evaluation::ACCURACY, n_right as f64, right.len() as f64);
    }
}
