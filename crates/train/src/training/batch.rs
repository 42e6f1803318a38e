//! Examples as tensors.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::error::TrainError;
use crate::task::{Example, Examples, Task};

/// Several examples at once, and where in them the loss is.
#[derive(Debug, Clone)]
pub struct Batch {
    /// `[batch, seq_len, stack]`.
    pub tokens: Tensor<3, Int>,
    /// The right answers, `[n_targets]`, example by example.
    pub targets: Tensor<1, Int>,
    /// Where each of them belongs in the flattened `[batch * seq_len]`, `[n_targets]`.
    pub positions: Tensor<1, Int>,
    /// Number of answers of each example.
    pub targets_per_example: Vec<usize>,
    /// The largest of the targets: the model's vocabulary must be larger.
    pub largest_target: u32,
}

impl Batch {
    /// Puts examples together.
    ///
    /// # Errors
    /// If an example does not have the task's sequence length.
    pub fn new(task: &dyn Task, examples: &[Example], device: &Device) -> Result<Self, TrainError> {
        examples.iter().try_for_each(|example| check_length(task, example))?;
        let tokens = examples.iter().flat_map(|example| &example.tokens);
        let tokens: Vec<i64> = tokens.map(|&token| token.into()).collect();
        let all = examples.iter().flat_map(|example| &example.targets).enumerate();
        let (positions, targets): (Vec<i64>, Vec<i64>) =
            all.filter_map(|(at, target)| Some((at as i64, i64::from((*target)?)))).unzip();
        let (n_targets, largest_target) = (targets.len(), targets.iter().max().copied().unwrap_or(0));
        let shape = [examples.len(), task.seq_len(), task.stack()];
        let per_example = examples.iter().map(|example| example.targets.iter().flatten().count());
        Ok(Self {
            tokens: Tensor::from_data(TensorData::new(tokens, shape), device),
            targets: Tensor::from_data(TensorData::new(targets, [n_targets]), device),
            positions: Tensor::from_data(TensorData::new(positions, [n_targets]), device),
            targets_per_example: per_example.collect(),
            largest_target: largest_target as u32,
        })
    }

    /// Examples `first .. first + size`.
    ///
    /// # Errors
    /// If the split is empty, an example does not have the task's sequence length, or no example has a target.
    pub fn draw(
        examples: Examples<'_>,
        first: u64,
        size: usize,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let task = examples.task;
        let drawn: Vec<Example> =
            (first..first + size as u64).map(|index| examples.draw(index)).collect::<Result<_, _>>()?;
        if drawn.iter().all(Example::asks_nothing) {
            return Err(TrainError::NoTargets { examples: size });
        }
        Self::new(task, &drawn, device)
    }

    /// The same examples with one of the targets, of those that have a number below `n_targets`.
    pub fn target(&self, target: usize) -> Self {
        let mut first = 0;
        let is_in = |&n_targets: &usize| {
            let is_in = (first..first + n_targets).contains(&target);
            first += n_targets;
            usize::from(is_in)
        };
        Self {
            tokens: self.tokens.clone(),
            targets: self.targets.clone().narrow(0, target, 1),
            positions: self.positions.clone().narrow(0, target, 1),
            targets_per_example: self.targets_per_example.iter().map(is_in).collect(),
            largest_target: self.largest_target,
        }
    }

    /// Whether a vocabulary of this size has every target.
    pub(crate) fn check_targets(&self, vocab_size: usize) -> Result<(), TrainError> {
        let target = self.largest_target;
        if (target as usize) < vocab_size {
            Ok(())
        } else {
            Err(TrainError::TargetOutside { target, vocab_size })
        }
    }
}

/// Whether an example has the length of its task's.
fn check_length(task: &dyn Task, example: &Example) -> Result<(), TrainError> {
    let (n_tokens, n_targets) = (task.seq_len() * task.stack(), task.seq_len());
    let (got_tokens, got_targets) = (example.tokens.len(), example.targets.len());
    if (got_tokens, got_targets) == (n_tokens, n_targets) {
        return Ok(());
    }
    Err(TrainError::ExampleLength { n_tokens, n_targets, got_tokens, got_targets })
}
