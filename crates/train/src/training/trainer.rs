//! The training loop, from top to bottom.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use qkv_run::{Evaluation, StepReport};

use super::batch::Batch;
use super::finite::NotFinite;
use super::observer::{Next, Observer, State};
use super::optimizer::AdamW;
use super::step::StepOutcome;
use crate::config::Recipe;
use crate::error::{Quantity, TrainError};
use crate::measure::evaluate;
use crate::model::Model;
use crate::task::{Examples, Split, Task, draw};

/// Fits a model to a task by back-propagation.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, TransformerConfig};
/// use qkv_train::{Recipe, Reverse, Task, Trainer};
///
/// let task = Reverse { seq_len: 4, n_symbols: 3 };
/// let device = Device::flex().autodiff();
/// let model = TransformerConfig::new(3, 4, 8).init(&Init::new(&device, 0))?;
/// let mut recipe = Recipe::default();
/// recipe.train.steps = 10;
/// let trained = Trainer::new(model, &task, recipe, &device)?.run()?;
/// assert_eq!(trained.state.step, 10);
/// # Ok::<(), qkv_train::TrainError>(())
/// ```
pub struct Trainer<'a, M> {
    state: State<M>,
    task: &'a dyn Task,
    recipe: Recipe,
    device: Device,
    stop_after: Option<u64>,
    observers: Vec<&'a mut dyn Observer<M>>,
}

/// The result of a run.
#[derive(Clone)]
pub struct Trained<M> {
    /// The model and its optimizer after the last step.
    pub state: State<M>,
    /// Why it ended.
    pub ended: Ended,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ended {
    /// All steps are done.
    Finished,
    /// The validation target was reached.
    Early(Evaluation),
    /// An observer or [`Trainer::stop_after`] asked for it.
    Stopped,
}

impl<'a, M: Model + Module> Trainer<'a, M> {
    /// Prepares a run; `device` is the one that `model` was built on, with autodiff.
    ///
    /// # Errors
    /// If the recipe is out of range, the model or `device` is without autodiff, or the task has no examples for one of
    /// its splits, or examples of a wrong length or with targets outside its vocabulary.
    pub fn new(model: M, task: &'a dyn Task, recipe: Recipe, device: &Device) -> Result<Self, TrainError> {
        recipe.check()?;
        if !device.is_autodiff() || model.devices().iter().any(|device| !device.is_autodiff()) {
            return Err(TrainError::NoGradients);
        }
        let vocab_size = task.vocabulary().len();
        for split in [Split::Train, Split::Validation, Split::Test] {
            let example = draw(task, recipe.seed, split, 0)?;
            Batch::new(task, &[example], device)?.check_targets(vocab_size)?;
        }
        let optimizer = AdamW::new(&recipe.optimizer);
        let state = State { step: 0, model, optimizer };
        Ok(Self { state, task, recipe, device: device.clone(), stop_after: None, observers: Vec::new() })
    }

    /// Goes on from where a run was left, with the settings of its optimizer; see
    /// [`load_checkpoint`](crate::load_checkpoint).
    pub fn resume(mut self, state: State<M>) -> Self {
        self.state = state;
        self
    }

    /// Adds an observer.
    pub fn observe(mut self, observer: &'a mut dyn Observer<M>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Leaves after `steps`, without changing the schedule of the whole run.
    pub fn stop_after(mut self, steps: Option<u64>) -> Self {
        self.stop_after = steps;
        self
    }

    /// Trains until the last step, the validation target, or a stop.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] if the loss, a gradient, a parameter or a moment is not finite, also where it was not
    /// before the first step: nothing is saved then. And if an observer fails.
    pub fn run(self) -> Result<Trained<M>, TrainError> {
        let Self { mut state, task, recipe, device, stop_after, observers } = self;
        let mut observers = Observers(observers);
        let Recipe { seed, schedule, train, .. } = recipe;
        state.check_finite()?;
        observers.notify(|observer| observer.start(&state))?;
        let mut ended = Ended::Finished;
        if state.step == 0 && observers.save(&state)? == Next::Stop && train.steps > 0 {
            ended = Ended::Stopped;
        }

        let examples = |split| Examples { task, seed, split };
        let held_out = |state: &State<M>| {
            evaluate(&state.model.valid(), examples(Split::Validation), train.eval_examples, &device)
        };
        let is_reached =
            |held_out: &Evaluation| train.stop_at > 0.0 && held_out.sequence_accuracy >= train.stop_at;
        // A run that had reached its target when it was saved does not go on.
        if state.step > 0 && state.step.is_multiple_of(train.eval_every) && train.stop_at > 0.0 {
            let held_out = held_out(&state)?;
            if is_reached(&held_out) {
                ended = Ended::Early(held_out);
            }
        }
        let mut saved_at = state.step;
        let mut last = Instant::now();
        while state.step < train.steps && ended == Ended::Finished {
            let first = state.step * train.batch_size as u64;
            let batch = Batch::draw(examples(Split::Train), first, train.batch_size, &device)?;

            let factor = schedule.factor(state.step, train.steps);
            let lr = state.optimizer.learning_rate(factor);
            let backward = state.backward(&batch, seed)?;
            observers.notify(|observer| observer.gradients(&state, &backward.gradients))?;
            let outcome;
            (state, outcome) = state.update(backward, factor)?;
            let StepOutcome { loss, grad_norm } = outcome;

            let n_tokens = (train.batch_size * task.seq_len()) as f64;
            let tokens_per_second = n_tokens / last.elapsed().as_secs_f64();
            let report = StepReport { step: state.step, loss, lr, grad_norm, tokens_per_second };
            let mut next = Next::Continue;
            observers.notify(|observer| {
                next = next.max(observer.step(&state, &report)?);
                Ok(())
            })?;

            if state.step.is_multiple_of(train.eval_every) || state.step == train.steps {
                let held_out = held_out(&state)?;
                if let Some(loss) = NotFinite::number(Quantity::HeldOutLoss, held_out.loss) {
                    return Err(loss.after(state.step));
                }
                observers.notify(|observer| observer.evaluated(&state, &held_out))?;
                if is_reached(&held_out) {
                    ended = Ended::Early(held_out);
                    break;
                }
            }
            if state.step.is_multiple_of(train.checkpoint_every) || next == Next::Save {
                next = next.max(observers.save(&state)?);
                saved_at = state.step;
            }
            let stop_here = stop_after.is_some_and(|stop_after| state.step >= stop_after);
            if (next == Next::Stop || stop_here) && state.step < train.steps {
                ended = Ended::Stopped;
                break;
            }
            last = Instant::now();
        }

        if saved_at != state.step {
            observers.save(&state)?;
        }
        observers.notify(|observer| observer.end(&state))?;
        Ok(Trained { state, ended })
    }
}

struct Observers<'a, M>(Vec<&'a mut dyn Observer<M>>);

impl<M> Observers<'_, M> {
    /// Saves a checkpoint, and returns what the observers then ask for.
    fn save(&mut self, state: &State<M>) -> Result<Next, TrainError> {
        self.notify(|observer| observer.checkpoint(state))?;
        let mut next = Next::Continue;
        self.notify(|observer| {
            next = next.max(observer.saved(state)?);
            Ok(())
        })?;
        Ok(next)
    }

    fn notify(
        &mut self,
        mut hook: impl FnMut(&mut dyn Observer<M>) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        self.0.iter_mut().try_for_each(|observer| hook(&mut **observer))
    }
}
