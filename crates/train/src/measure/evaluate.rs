//! How good a model is on examples that it was not trained on.

use std::ops::ControlFlow;

use burn::tensor::Device;
use qkv_model::Mode;
use qkv_run::Evaluation;
use serde::{Deserialize, Serialize};

use super::measures::Measures;
use super::tally::{Additions, Tally};
use super::write::with_answers;
use crate::error::TrainError;
use crate::model::Model;
use crate::processes::{Alone, Processes, shared};
use crate::task::{Example, Examples, Inputs, Task};
use crate::training::{Batch, Prediction};

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
    HeldOut { examples, n_examples }.evaluate_while(model, Measures::default(), device, &mut go_on).map(whole)
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
    let Some(inputs) = AllInputs::of(task, limit) else { return Ok(None) };
    inputs.evaluate_while(model, Measures::default(), device, &mut go_on).map(whole).map(Some)
}

/// How far an evaluation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvaluationProgress {
    /// Examples evaluated.
    pub n_done: u64,
    /// Examples of the whole evaluation, those without a target included.
    pub n_examples: u64,
}

/// What an evaluation calls before every batch; `Break` ends it.
pub type Ask<'a> = dyn FnMut(EvaluationProgress) -> Result<ControlFlow<()>, TrainError> + 'a;

/// A result, or how far the evaluation was when it was stopped.
pub type Asked<T> = ControlFlow<EvaluationProgress, T>;

/// The first examples of a split.
#[derive(Clone, Copy)]
pub struct HeldOut<'a> {
    /// The split.
    pub examples: Examples<'a>,
    /// How many of them, at least one; no more than there are where the split is a list.
    pub n_examples: u64,
}

impl<'a> HeldOut<'a> {
    /// As [`evaluate`], for as long as `ask` answers `Continue`.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use burn::tensor::Device;
    /// use qkv_model::{Init, TransformerConfig};
    /// use qkv_train::{EvaluationProgress, Examples, HeldOut, Measures, Reverse, Split, TrainError};
    ///
    /// let device = Device::flex();
    /// let task = Reverse { seq_len: 4, n_symbols: 3 };
    /// let model = TransformerConfig::new(3, 4, 8).init(&Init::new(&device, 0))?;
    /// let examples = Examples { task: &task, seed: 0, split: Split::Test };
    /// // One batch, and not the next.
    /// let mut ask = |EvaluationProgress { n_done, .. }| {
    ///     Ok(if n_done == 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    /// };
    /// let held_out = HeldOut { examples, n_examples: 1000 };
    /// let stopped = held_out.evaluate_while(&model, Measures::default(), &device, &mut ask)?;
    /// assert_eq!(stopped, ControlFlow::Break(EvaluationProgress { n_done: 256, n_examples: 1000 }));
    /// # Ok::<(), TrainError>(())
    /// ```
    ///
    /// # Errors
    /// As [`evaluate`], and those of `ask`.
    pub fn evaluate_while<M: Model>(
        &self,
        model: &M,
        measures: Measures<'_>,
        device: &Device,
        ask: &mut Ask<'_>,
    ) -> Result<Asked<Evaluation>, TrainError> {
        self.evaluate_across(&Alone, model, measures, device, ask)
    }

    /// The same on several processes, which take turns with the batches and have the same result, bit for bit that of one
    /// process. It goes on for as long as `ask` answers `Continue` on all of them.
    ///
    /// # Errors
    /// As [`evaluate_while`](Self::evaluate_while), and if a process is lost.
    pub fn evaluate_across<M: Model>(
        &self,
        processes: &dyn Processes,
        model: &M,
        measures: Measures<'_>,
        device: &Device,
        ask: &mut Ask<'_>,
    ) -> Result<Asked<Evaluation>, TrainError> {
        let tally = Tally::new(measures, self.examples.task)?;
        evaluate_on(model, tally, (self.groups(), self.count()), (processes, device), ask)
    }

    /// How many examples these are.
    pub fn count(&self) -> u64 {
        self.n_examples.clamp(1, self.examples.count().unwrap_or(u64::MAX).max(1))
    }

    pub(crate) fn batches(
        &self,
        device: &Device,
    ) -> impl Iterator<Item = Result<Batch, TrainError>> + use<'a> {
        let device = device.clone().without_autodiff();
        let task = self.examples.task;
        self.groups().map(move |group| Batch::new(task, &group?, &device))
    }

    fn groups(&self) -> impl Iterator<Item = Result<Vec<Example>, TrainError>> + use<'a> {
        let examples = self.examples;
        groups(examples.task, (0..self.count()).map(move |index| examples.draw(index)))
    }
}

/// Every input of a task, in all splits.
pub struct AllInputs<'a> {
    task: &'a dyn Task,
    inputs: Inputs<'a>,
    n_inputs: u64,
}

impl<'a> AllInputs<'a> {
    /// `None` if they cannot be numbered or are more than `limit`.
    pub fn of(task: &'a dyn Task, limit: u64) -> Option<Self> {
        let inputs = task.inputs()?;
        let n_inputs = inputs.count.filter(|&n_inputs| n_inputs <= limit)?;
        Some(Self { task, inputs, n_inputs })
    }

    /// As [`evaluate_exactly`], for as long as `ask` answers `Continue`.
    ///
    /// # Errors
    /// As [`evaluate_exactly`], and those of `ask`.
    pub fn evaluate_while<M: Model>(
        &self,
        model: &M,
        measures: Measures<'_>,
        device: &Device,
        ask: &mut Ask<'_>,
    ) -> Result<Asked<Evaluation>, TrainError> {
        let Self { task, inputs, n_inputs } = self;
        let examples = (0..*n_inputs).map(|index| Ok(Example::new(*task, inputs.nth(index))));
        let tally = Tally::new(measures, *task)?;
        evaluate_on(model, tally, (groups(*task, examples), *n_inputs), (&Alone, device), ask)
    }
}

/// What asks nothing.
pub(crate) fn go_on(_: EvaluationProgress) -> Result<ControlFlow<()>, TrainError> {
    Ok(ControlFlow::Continue(()))
}

/// The result of an evaluation that [`go_on`] was asked about.
pub(crate) fn whole<T>(asked: Asked<T>) -> T {
    match asked {
        ControlFlow::Continue(result) => result,
        ControlFlow::Break(_) => unreachable!("`go_on` stops nothing"),
    }
}

/// Most examples per forward pass; more make no matrix product faster.
const BATCH: usize = 256;

/// Most T×T entries per head and forward pass, 16 MiB: long sequences are evaluated a few at a time.
const MAP_ENTRIES: usize = 1 << 22;

/// Examples of a forward pass.
pub(crate) fn examples_at_once(seq_len: usize) -> usize {
    (MAP_ENTRIES / seq_len.pow(2)).clamp(1, BATCH)
}

/// The examples of each batch. Leaves out those without a target, so that every batch has one.
fn groups<'a, E: Iterator<Item = Result<Example, TrainError>>>(
    task: &'a dyn Task,
    mut examples: E,
) -> impl Iterator<Item = Result<Vec<Example>, TrainError>> + use<'a, E> {
    let at_once = examples_at_once(task.seq_len());
    let asks = |example: &Result<Example, TrainError>| !example.as_ref().is_ok_and(Example::asks_nothing);
    let mut n_drawn = 0;
    let mut is_first = true;
    std::iter::from_fn(move || {
        let drawn = examples.by_ref().inspect(|_| n_drawn += 1);
        let some: Result<Vec<Example>, TrainError> = drawn.filter(asks).take(at_once).collect();
        let is_first = std::mem::replace(&mut is_first, false);
        match some {
            Ok(some) if !some.is_empty() => Some(Ok(some)),
            Ok(_) if !is_first => None,
            Ok(_) => Some(Err(TrainError::NoTargets { examples: n_drawn })),
            Err(error) => Some(Err(error)),
        }
    })
}

/// What a process has of a round of batches.
#[derive(Serialize, Deserialize)]
struct Turn {
    /// Whether it asks for an end.
    stops: bool,
    /// `None` where no batch was left.
    additions: Option<Additions>,
}

/// Evaluates on the batches of this many examples, one on each process in every round. What they give is added in the
/// order of the batches.
fn evaluate_on<M: Model>(
    model: &M,
    mut tally: Tally<'_>,
    (mut groups, n_examples): (impl Iterator<Item = Result<Vec<Example>, TrainError>>, u64),
    (processes, device): (&dyn Processes, &Device),
    ask: &mut Ask<'_>,
) -> Result<Asked<Evaluation>, TrainError> {
    let device = device.clone().without_autodiff();
    loop {
        let round: Vec<_> = groups.by_ref().take(processes.size()).collect::<Result<_, _>>()?;
        if round.is_empty() {
            return tally.evaluation().map(ControlFlow::Continue);
        }
        let progress = EvaluationProgress { n_done: tally.n_examples(), n_examples };
        let stops = ask(progress)?.is_break();
        let additions = match round.get(processes.rank()) {
            Some(examples) if !stops => {
                let batch = Batch::new(tally.task(), examples, &device)?;
                let inputs = tally.inputs();
                let prediction = Prediction::new(model, &batch, Mode::Evaluate, inputs)?;
                Some(tally.of(with_answers(model, tally.task(), prediction, inputs)))
            }
            _ => None,
        };
        let turns = shared(processes, Turn { stops, additions })?;
        if turns.iter().any(|turn| turn.stops) {
            return Ok(ControlFlow::Break(progress));
        }
        turns.into_iter().filter_map(|turn| turn.additions).for_each(|additions| tally.add_of(additions));
    }
}
