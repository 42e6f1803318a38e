//! The loss of each part of the targets.

use qkv_run::Figure;

use super::{Measured, Metric, MetricSums};
use crate::task::Task;

/// `slice-loss`: the mean loss of the targets in each slice of the [task](Task::slices), by default of those at each
/// position. The numbers are called `loss/NAME`; a slice without a target has none.
///
/// ```text
/// loss/s = 1/n_s Σ loss of target t,   over the n_s targets t in slice s
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SliceLoss;

impl Metric for SliceLoss {
    fn figures(&self, task: &dyn Task) -> Vec<Figure> {
        task.slices().iter().map(|slice| Figure::smaller_is_better(name(slice))).collect()
    }

    fn add(&self, measured: &Measured<'_>, sums: &mut MetricSums) {
        let Measured { prediction, loss, task, .. } = measured;
        let batch = prediction.batch;
        let [_, seq_len, stack] = batch.tokens.dims();
        let names: Vec<String> = task.slices().iter().map(|slice| name(slice)).collect();
        let tokens: Vec<u32> = batch.tokens.to_data().iter::<u32>().collect();
        let positions = batch.positions.to_data();
        let losses = loss.of_targets(prediction).into_data();
        for (loss, at) in losses.iter::<f64>().zip(positions.iter::<i64>()) {
            let (example, position) = (at as usize / seq_len, at as usize % seq_len);
            let input = &tokens[example * seq_len * stack..][..seq_len * stack];
            if let Some(slice) = task.slice(input, position) {
                sums.add(&names[slice], loss, 1.0);
            }
        }
    }
}

fn name(slice: &str) -> String {
    format!("loss/{slice}")
}
