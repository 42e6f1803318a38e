//! The sums of an evaluation over its batches.

use burn::tensor::Tensor;
use qkv_run::{Evaluation, Figure};
use serde::{Deserialize, Serialize};

use super::measures::Measures;
use super::metric::{Addition, Measured, Metric, MetricSums};
use crate::error::{PartFault, TrainError};
use crate::task::Task;
use crate::training::{Batch, LossInputs, Prediction};

/// What a batch adds, for another process to do so.
#[derive(Serialize, Deserialize)]
pub(crate) struct Additions {
    n_targets: usize,
    n_examples: usize,
    /// The bits of the sum over targets.
    loss: u64,
    /// Of every metric.
    metrics: Vec<Vec<Addition>>,
}

/// Adds batches up, in their order, until they make an [`Evaluation`].
pub(crate) struct Tally<'a> {
    measures: Measures<'a>,
    task: &'a dyn Task,
    loss: f64,
    n_targets: usize,
    n_examples: usize,
    /// Every metric that can be measured, the figures that it has, and its sums.
    metrics: Vec<(&'a dyn Metric, Vec<Figure>, MetricSums)>,
}

impl<'a> Tally<'a> {
    /// # Errors
    /// Those of [`Measures::figures`].
    pub(crate) fn new(measures: Measures<'a>, task: &'a dyn Task) -> Result<Self, TrainError> {
        measures.figures(task)?;
        let metrics = measures.metrics.iter().map(|metric| {
            let metric: &dyn Metric = &**metric;
            (metric, metric.figures(task), MetricSums::default())
        });
        let metrics = metrics.filter(|(_, figures, _)| !figures.is_empty()).collect();
        Ok(Self { measures, task, loss: 0.0, n_targets: 0, n_examples: 0, metrics })
    }

    /// What is learned.
    pub(crate) fn task(&self) -> &'a dyn Task {
        self.task
    }

    /// What loss and metrics read of a prediction.
    pub(crate) fn inputs(&self) -> LossInputs {
        self.measures.inputs()
    }

    pub(crate) fn add(&mut self, prediction: Prediction<'_>) {
        let additions = self.of(prediction);
        self.add_of(additions);
    }

    /// What [`add`](Self::add) adds for this prediction.
    pub(crate) fn of(&self, prediction: Prediction<'_>) -> Additions {
        let loss = self.measures.loss;
        let [n_targets, _] = prediction.logits.dims();
        let measured = Measured::new(&prediction, loss, self.task);
        let metrics = self.metrics.iter().map(|(metric, _, _)| {
            let mut sums = MetricSums::recording();
            metric.add(&measured, &mut sums);
            sums.into_additions()
        });
        let metrics = metrics.collect();
        let n_examples = prediction.batch.targets_per_example.len();
        let loss = loss.value(prediction).total.into_scalar::<f64>() * n_targets as f64;
        Additions { n_targets, n_examples, loss: loss.to_bits(), metrics }
    }

    /// Adds what [`of`](Self::of) gave, here or in another process.
    pub(crate) fn add_of(&mut self, additions: Additions) {
        for ((_, _, sums), additions) in self.metrics.iter_mut().zip(additions.metrics) {
            sums.repeat(additions);
        }
        self.n_targets += additions.n_targets;
        self.n_examples += additions.n_examples;
        self.loss += f64::from_bits(additions.loss);
    }

    /// `logits`: `[n_targets, vocab_size]`, those of the batch's targets.
    pub(crate) fn add_logits(&mut self, logits: Tensor<2>, batch: &Batch) {
        self.add(Prediction { logits, batch, features: None, attention_weights: Vec::new(), answers: None });
    }

    /// Examples added so far.
    pub(crate) fn n_examples(&self) -> u64 {
        self.n_examples as u64
    }

    /// # Errors
    /// If a metric has a number that it does not name.
    pub(crate) fn evaluation(self) -> Result<Evaluation, TrainError> {
        let mut evaluation = Evaluation {
            loss: self.loss / self.n_targets as f64,
            examples: self.n_examples as u64,
            ..Evaluation::default()
        };
        for (metric, figures, sums) in &self.metrics {
            for (name, value) in metric.values(sums) {
                if !figures.iter().any(|figure| figure.name == name) {
                    return Err(
                        PartFault::FigureNotNamed { figure: name, metric: format!("{metric:?}") }.into()
                    );
                }
                evaluation = evaluation.with(&name, value);
            }
        }
        Ok(evaluation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use burn::tensor::{Device, Int, TensorData};

    use crate::measure::{Accuracy, SequenceAccuracy, SliceLoss};
    use crate::task::{Reverse, TargetKind};
    use crate::training::CrossEntropy;

    const TASK: Reverse = Reverse { seq_len: 3, n_symbols: 3 };

    /// Examples with targets at their first positions, as many as named.
    fn batch(targets: &[i64], targets_per_example: &[usize]) -> Batch {
        let device = Device::flex();
        let at = targets_per_example.iter().enumerate();
        let positions: Vec<i64> = at
            .flat_map(|(example, &n)| (0..n).map(move |position| (3 * example + position) as i64))
            .collect();
        let ints = |values: &[i64]| {
            Tensor::<1, Int>::from_data(TensorData::new(values.to_vec(), [values.len()]), &device)
        };
        Batch {
            tokens: Tensor::zeros([targets_per_example.len(), 3, 1], &device),
            targets: ints(targets),
            target_kind: TargetKind::Tokens,
            vectors: None,
            positions: ints(&positions),
            targets_per_example: targets_per_example.to_vec(),
            largest_target: 2,
        }
    }

    /// The evaluation of rows of probabilities, cut into batches of so many examples.
    fn evaluation(p: &[[f32; 3]], batches: &[(&[i64], &[usize])]) -> Result<Evaluation, TrainError> {
        let metrics: [Arc<dyn Metric>; 3] =
            [Arc::new(Accuracy), Arc::new(SequenceAccuracy), Arc::new(SliceLoss)];
        let mut tally = Tally::new(Measures { loss: &CrossEntropy, metrics: &metrics }, &TASK)?;
        let mut rows = p.iter();
        for (targets, per_example) in batches {
            let logits: Vec<f32> =
                rows.by_ref().take(targets.len()).flatten().map(|p: &f32| p.ln()).collect();
            let logits = TensorData::new(logits, [targets.len(), 3]);
            tally.add_logits(Tensor::from_data(logits, &Device::flex()), &batch(targets, per_example));
        }
        tally.evaluation()
    }

    /// Three examples of three, one and two targets.
    const P: [[f32; 3]; 6] = [
        [0.5, 0.25, 0.25],
        [0.25, 0.5, 0.25],
        [0.125, 0.125, 0.75],
        [0.25, 0.5, 0.25],
        [0.5, 0.25, 0.25],
        [0.5, 0.125, 0.375],
    ];

    #[test]
    fn the_built_in_metrics_are_those_worked_out_by_hand() -> Result<(), TrainError> {
        // Right at the first three and at the fifth.
        let found = evaluation(&P, &[(&[0, 1, 2, 0, 0, 1], &[3, 1, 2])])?;
        assert_eq!((found.examples, found.accuracy), (3, 4.0 / 6.0));
        assert_eq!(found.sequence_accuracy, 1.0 / 3.0);
        // At the first position 1/2, 1/4 and 1/2 have to be likely, at the second 1/2 and 1/8, at the third 3/4.
        let halvings = [("loss/0", 4.0 / 3.0), ("loss/1", 2.0)];
        for (name, n) in halvings {
            assert!((found.metrics[name] - n * 2_f64.ln()).abs() < 1e-6, "{found:?}");
        }
        assert!((found.metrics["loss/2"] + 0.75_f64.ln()).abs() < 1e-6, "{found:?}");
        let of_slices =
            3.0 * found.metrics["loss/0"] + 2.0 * found.metrics["loss/1"] + found.metrics["loss/2"];
        assert!((found.loss - of_slices / 6.0).abs() < 1e-6, "{found:?}");
        Ok(())
    }

    #[test]
    fn the_bytes_of_a_metric_do_not_depend_on_how_examples_are_cut_into_batches() -> Result<(), TrainError> {
        let whole = evaluation(&P, &[(&[2, 1, 2, 0, 0, 1], &[3, 1, 2])])?;
        for batches in [
            &[(&[2, 1, 2][..], &[3][..]), (&[0], &[1]), (&[0, 1], &[2])][..],
            &[(&[2, 1, 2, 0], &[3, 1]), (&[0, 1], &[2])],
            &[(&[2, 1, 2], &[3]), (&[0, 0, 1], &[1, 2])],
        ] {
            let cut = evaluation(&P, batches)?;
            assert_eq!((cut.accuracy, cut.sequence_accuracy), (whole.accuracy, whole.sequence_accuracy));
            assert_eq!(cut.metrics, whole.metrics);
        }
        Ok(())
    }
}
