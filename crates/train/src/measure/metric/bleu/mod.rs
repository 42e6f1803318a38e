//! How near the answers that a model writes are to the right ones, as machine translation is measured.

mod sums;
mod tokens;

pub use sums::BleuSums;

use std::collections::BTreeMap;

use qkv_run::Figure;

use super::{Measured, Metric, MetricSums};
use crate::task::Task;
use crate::training::LossInputs;

/// `bleu`: the corpus BLEU of the answers that the model writes by itself, as [`BleuSums`] has it; no teacher forces the
/// right beginning of an answer upon it. From 0 to 100, for tasks that have a [`Translation`](crate::Translation).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bleu;

const BLEU: &str = "bleu";

impl Metric for Bleu {
    fn inputs(&self) -> LossInputs {
        LossInputs { answers: true, ..LossInputs::default() }
    }

    fn figures(&self, task: &dyn Task) -> Vec<Figure> {
        task.translation().map(|_| Figure::larger_is_better(BLEU)).into_iter().collect()
    }

    fn add(&self, measured: &Measured<'_>, sums: &mut MetricSums) {
        let prediction = measured.prediction;
        let (Some(translation), Some(answers)) = (measured.task.translation(), &prediction.answers) else {
            return;
        };
        let targets: Vec<u32> = prediction.batch.targets.to_data().iter::<u32>().collect();
        let (mut rest, mut bleu) = (&targets[..], BleuSums::default());
        for (answer, &n_targets) in answers.iter().zip(&prediction.batch.targets_per_example) {
            let (right, after) = rest.split_at(n_targets);
            bleu.add(&translation.text(answer), &[&translation.reference(right)]);
            rest = after;
        }
        for (name, count) in bleu.counts() {
            sums.add(name, count as f64, 1.0);
        }
    }

    /// None where nothing was written.
    fn values(&self, sums: &MetricSums) -> BTreeMap<String, f64> {
        if sums.means().is_empty() {
            return BTreeMap::new();
        }
        let bleu = BleuSums::of_counts(|name| sums.total(name) as u64);
        BTreeMap::from([(BLEU.to_owned(), bleu.score())])
    }
}
