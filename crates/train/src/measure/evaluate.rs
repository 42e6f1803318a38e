//! How good a model is on examples that it was not trained on.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, ElementConversion, Tensor};
use qkv_model::Mode;
use qkv_run::Evaluation;

use crate::error::TrainError;
use crate::model::Model;
use crate::task::{Example, Examples, Task};
use crate::training::{Batch, logits};

/// Evaluates on the first `n_examples`, at least one; `model` should be a validation copy (`model.valid()`).
///
/// Where the split is a list, on no more than it has: no example counts twice. An example without a target asks for
/// nothing, and does not count.
///
/// # Errors
/// If the split is empty, or no example has a target.
pub fn evaluate<M: Model>(
    model: &M,
    examples: Examples<'_>,
    n_examples: u64,
    device: &Device,
) -> Result<Evaluation, TrainError> {
    evaluate_on(model, held_out(examples, n_examples, device))
}

/// Evaluates on every input that the task has, in all splits; `None` if they cannot be numbered or are more than
/// `limit`.
///
/// # Errors
/// If no input has a target; never for the built-in tasks.
pub fn evaluate_exactly<M: Model>(
    model: &M,
    task: &dyn Task,
    limit: u64,
    device: &Device,
) -> Result<Option<Evaluation>, TrainError> {
    let Some(inputs) = task.inputs() else { return Ok(None) };
    let Some(count) = inputs.count.filter(|&count| count <= limit) else { return Ok(None) };
    let examples = (0..count).map(|index| Ok(Example::new(task, inputs.nth(index))));
    evaluate_on(model, batches(task, examples, device)).map(Some)
}

/// Most examples per forward pass; more make no matrix product faster.
const BATCH: usize = 256;

/// Most T×T entries per head and forward pass, 16 MiB: long sequences are evaluated a few at a time.
const MAP_ENTRIES: usize = 1 << 22;

/// The first `n_examples` of a split; no more than it has, where it is a list.
pub(crate) fn held_out<'a>(
    examples: Examples<'a>,
    n_examples: u64,
    device: &Device,
) -> impl Iterator<Item = Result<Batch, TrainError>> + use<'a> {
    let n_examples = n_examples.clamp(1, examples.count().unwrap_or(u64::MAX).max(1));
    batches(examples.task, (0..n_examples).map(move |index| examples.draw(index)), device)
}

/// Leaves out the examples without a target, so that every batch has one.
fn batches<'a, E: Iterator<Item = Result<Example, TrainError>>>(
    task: &'a dyn Task,
    mut examples: E,
    device: &Device,
) -> impl Iterator<Item = Result<Batch, TrainError>> + use<'a, E> {
    let device = device.clone().without_autodiff();
    let at_once = (MAP_ENTRIES / task.seq_len().pow(2)).clamp(1, BATCH);
    let asks = |example: &Result<Example, TrainError>| !example.as_ref().is_ok_and(Example::asks_nothing);
    let mut n_drawn = 0;
    let mut is_first = true;
    std::iter::from_fn(move || {
        let drawn = examples.by_ref().inspect(|_| n_drawn += 1);
        let some: Result<Vec<Example>, TrainError> = drawn.filter(asks).take(at_once).collect();
        let is_first = std::mem::replace(&mut is_first, false);
        match some {
            Ok(some) if !some.is_empty() => Some(Batch::new(task, &some, &device)),
            Ok(_) if !is_first => None,
            Ok(_) => Some(Err(TrainError::NoTargets { examples: n_drawn })),
            Err(error) => Some(Err(error)),
        }
    })
}

fn evaluate_on<M: Model>(
    model: &M,
    batches: impl Iterator<Item = Result<Batch, TrainError>>,
) -> Result<Evaluation, TrainError> {
    let mut sums = Sums::default();
    for batch in batches {
        let batch = batch?;
        sums.add(logits(model, &batch, Mode::Evaluate)?, &batch);
    }
    Ok(sums.mean())
}

/// Sums over the batches of an evaluation.
#[derive(Default)]
pub(crate) struct Sums {
    loss: f64,
    targets: usize,
    right_targets: usize,
    examples: usize,
    right_examples: usize,
}

impl Sums {
    /// `logits`: `[n_targets, vocab_size]`, those of the batch's targets.
    pub(crate) fn add(&mut self, logits: Tensor<2>, batch: &Batch) {
        let [n_targets, _] = logits.dims();
        let right = logits.clone().argmax(1).squeeze_dim::<1>(1).equal(batch.targets.clone());
        let right: Vec<bool> = right.into_data().iter::<bool>().collect();
        let loss =
            CrossEntropyLossConfig::new().init(&logits.device()).forward(logits, batch.targets.clone());
        self.loss += loss.into_scalar::<f64>().elem::<f64>() * n_targets as f64;
        self.targets += n_targets;
        self.right_targets += right.iter().filter(|&&right| right).count();
        let mut rest = right.as_slice();
        for &n_targets in &batch.targets_per_example {
            let (of_example, after) = rest.split_at(n_targets);
            self.right_examples += usize::from(of_example.iter().all(|&right| right));
            rest = after;
        }
        self.examples += batch.targets_per_example.len();
    }

    pub(crate) fn mean(self) -> Evaluation {
        Evaluation {
            loss: self.loss / self.targets as f64,
            accuracy: self.right_targets as f64 / self.targets as f64,
            sequence_accuracy: self.right_examples as f64 / self.examples as f64,
            examples: self.examples as u64,
        }
    }
}
