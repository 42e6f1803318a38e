//! Examples as tensors.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::error::{PartFault, TrainError, counted};
use crate::task::{Example, Examples, TargetKind, Task};

/// Several examples at once, and where in them the loss is.
#[derive(Debug, Clone)]
pub struct Batch {
    /// `[batch, seq_len, stack]`.
    pub tokens: Tensor<3, Int>,
    /// The right answers, `[n_targets]`, example by example: of distributions the likeliest tokens; `[0]` where the
    /// answers are real numbers.
    pub targets: Tensor<1, Int>,
    /// What the answers are.
    pub target_kind: TargetKind,
    /// The answers, where they are no tokens, `[n_targets, vocab_size]` or `[n_targets, n_numbers]`.
    pub vectors: Option<Tensor<2>>,
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
    /// If an example does not have the task's sequence length, or a vector is no answer of its kind.
    pub fn new(task: &dyn Task, examples: &[Example], device: &Device) -> Result<Self, TrainError> {
        examples.iter().try_for_each(|example| check_length(task, example))?;
        let tokens = examples.iter().flat_map(|example| &example.tokens);
        let tokens: Vec<i64> = tokens.map(|&token| token.into()).collect();
        let seq_len = task.seq_len();
        let all = examples
            .iter()
            .flat_map(|example| (0..seq_len).map(move |position| example.carries_loss(position)));
        let positions: Vec<i64> =
            all.enumerate().filter_map(|(at, carries_loss)| carries_loss.then_some(at as i64)).collect();
        let targets = examples.iter().flat_map(|example| example.targets.iter().flatten());
        let targets: Vec<i64> = targets.map(|&target| target.into()).collect();
        let (n_targets, largest_target) = (targets.len(), targets.iter().max().copied().unwrap_or(0));
        let shape = [examples.len(), seq_len, task.stack()];
        let n_positions = positions.len();
        Ok(Self {
            tokens: Tensor::from_data(TensorData::new(tokens, shape), device),
            targets: Tensor::from_data(TensorData::new(targets, [n_targets]), device),
            target_kind: task.target_kind(),
            vectors: vectors(task, examples, device)?,
            positions: Tensor::from_data(TensorData::new(positions, [n_positions]), device),
            targets_per_example: examples.iter().map(Example::n_targets).collect(),
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
        let batch = Self::of(examples, first, size, device)?;
        if batch.n_targets() == 0 {
            return Err(TrainError::NoTargets { examples: size });
        }
        Ok(batch)
    }

    /// The same, where no example need have a target.
    pub(super) fn of(
        examples: Examples<'_>,
        first: u64,
        size: usize,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let drawn = (first..first + size as u64).map(|index| examples.draw(index));
        Self::new(examples.task, &drawn.collect::<Result<Vec<_>, _>>()?, device)
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
            targets: match self.target_kind {
                TargetKind::Numbers => self.targets.clone(),
                _ => self.targets.clone().narrow(0, target, 1),
            },
            target_kind: self.target_kind,
            vectors: self.vectors.clone().map(|vectors| vectors.narrow(0, target, 1)),
            positions: self.positions.clone().narrow(0, target, 1),
            targets_per_example: self.targets_per_example.iter().map(is_in).collect(),
            largest_target: self.largest_target,
        }
    }

    /// Number of answers.
    pub fn n_targets(&self) -> usize {
        self.targets_per_example.iter().sum()
    }

    /// Whether a vocabulary of this size has every target, and as many tokens as an answer has numbers.
    pub(crate) fn check_targets(&self, vocab_size: usize) -> Result<(), TrainError> {
        let target = self.largest_target;
        let width = self.vectors.as_ref().map(|vectors| vectors.dims()[1]);
        match (self.target_kind, width) {
            (TargetKind::Tokens, _) if target as usize >= vocab_size => {
                Err(TrainError::TargetOutside { target, vocab_size })
            }
            (kind @ TargetKind::Distributions, Some(width)) if width != vocab_size => {
                let expected =
                    format!("a probability for each of {}, got {width}", counted(vocab_size, "token"));
                Err(TrainError::TargetVector { kind, expected })
            }
            (kind @ TargetKind::Numbers, Some(width)) if width > vocab_size => {
                let expected = format!(
                    "at most {vocab_size} of them, as many as the vocabulary has tokens, got {width}"
                );
                Err(TrainError::TargetVector { kind, expected })
            }
            _ => Ok(()),
        }
    }
}

/// Whether an example has the length of its task's.
fn check_length(task: &dyn Task, example: &Example) -> Result<(), TrainError> {
    let (n_tokens, n_targets) = (task.seq_len() * task.stack(), task.seq_len());
    let got_targets = match task.target_kind() {
        TargetKind::Tokens => example.targets.len(),
        _ => example.vectors.len().min(example.targets.len()),
    };
    let got_tokens = example.tokens.len();
    if (got_tokens, got_targets) == (n_tokens, n_targets) {
        return Ok(());
    }
    Err(PartFault::ExampleLength { n_tokens, n_targets, got_tokens, got_targets }.into())
}

/// How far the probabilities of a distribution may miss a sum of one; in single precision that of a hundred thousand
/// equal ones is as far off as 1e-4.
const ROUNDING: f32 = 1e-3;

/// The answers that are no tokens, `[n_targets, n]`; `None` where there are none.
fn vectors(task: &dyn Task, examples: &[Example], device: &Device) -> Result<Option<Tensor<2>>, TrainError> {
    let kind = task.target_kind();
    let answers = examples.iter().flat_map(|example| example.vectors.iter().flatten());
    let answers: Vec<&[f32]> = answers.map(Vec::as_slice).collect();
    let Some(first) = answers.first().filter(|_| kind != TargetKind::Tokens) else { return Ok(None) };
    for answer in &answers {
        if let Some(expected) = fault(kind, answer, first.len()) {
            return Err(TrainError::TargetVector { kind, expected });
        }
    }
    let (values, shape) = (answers.concat(), [answers.len(), first.len()]);
    Ok(Some(Tensor::from_data(TensorData::new(values, shape), device)))
}

/// What was expected of an answer, and what was found, if that is something else.
fn fault(kind: TargetKind, answer: &[f32], n: usize) -> Option<String> {
    let (least, sum) = (answer.iter().copied().fold(0.0, f32::min), answer.iter().sum::<f32>());
    if answer.is_empty() || answer.len() != n {
        let got = answer.len();
        Some(format!("as many numbers in each as in the first, at least one, got {got}"))
    } else if let Some(number) = answer.iter().find(|number| !number.is_finite()) {
        Some(format!("finite numbers, got {number}"))
    } else if kind == TargetKind::Distributions && (least < 0.0 || (sum - 1.0).abs() > ROUNDING) {
        Some(format!("probabilities of at least 0 with a sum of 1, got {least} and a sum of {sum}"))
    } else {
        None
    }
}
