//! The training loop, from top to bottom.

use burn::module::Module;
use burn::tensor::Device;
use qkv_model::Mode;
use qkv_run::{Evaluation, StepReport};

use super::batch::Batch;
use super::fingerprint::{of_settings, of_state, of_task};
use super::loss::Prediction;
use super::observer::{Next, Observer, State};
use super::observers::Observers;
use super::optimizer::OptimizerState;
use super::parts::Parts;
use super::shards::Shards;
use super::step::StepOutcome;
use super::validation::Validation;
use crate::config::Recipe;
use crate::error::TrainError;
use crate::measure::HeldOut;
use crate::model::Model;
use crate::processes::{Alone, Processes, agreed, check_equal};
use crate::stopwatch::Stopwatch;
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
    origin: Origin,
    task: &'a dyn Task,
    parts: Parts,
    device: Device,
    stop_after: Option<u64>,
    processes: &'a dyn Processes,
    observers: Vec<&'a mut dyn Observer<M>>,
}

/// Where the state comes from that a run begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The seed, or another run: this one has not saved it.
    New,
    /// A checkpoint of this run, from before or after the evaluation of its step.
    Saved { is_evaluated: bool },
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
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// All steps are done.
    Finished,
    /// The validation target was reached.
    Early(Evaluation),
    /// An observer or [`Trainer::stop_after`] asked for it; where an observer ended an evaluation, also after the last
    /// step.
    Stopped,
}

impl<'a, M: Model + Module> Trainer<'a, M> {
    /// Prepares a run in which the names of the recipe are those of built-in types; `device` is the one that `model`
    /// was built on, with autodiff.
    ///
    /// # Errors
    /// If a name in the recipe is unknown; or as [`with_parts`](Self::with_parts).
    pub fn new(model: M, task: &'a dyn Task, recipe: Recipe, device: &Device) -> Result<Self, TrainError> {
        Self::with_parts(model, task, Parts::new(recipe)?, device)
    }

    /// Prepares a run of these parts, which may be your own: those of an [`Experiment`](crate::Experiment), or what
    /// [`Parts`] has.
    ///
    /// # Errors
    /// If the recipe is out of range, the model or `device` is without autodiff, or the task has no examples for one of
    /// its splits, or examples of a wrong length or with targets outside its vocabulary, the loss cannot be
    /// computed for its answers, the loss or a metric reads attention weights that the model does not show, or two
    /// figures of an evaluation have the same name.
    pub fn with_parts(
        model: M,
        task: &'a dyn Task,
        parts: Parts,
        device: &Device,
    ) -> Result<Self, TrainError> {
        parts.recipe.check()?;
        if !device.is_autodiff() || model.devices().iter().any(|device| !device.is_autodiff()) {
            return Err(TrainError::NoGradients);
        }
        parts.stop_figure(task)?;
        let shards = parts.recipe.train.shards;
        if shards > 1 && !parts.loss.is_mean_over_parts() {
            return Err(TrainError::LossNotSplit { loss: format!("{:?}", parts.loss), shards });
        }
        let (vocab_size, inputs) = (task.vocabulary().len(), parts.measures().inputs());
        for split in [Split::Train, Split::Validation, Split::Test] {
            let example = draw(task, parts.recipe.seed, split, 0)?;
            let batch = Batch::new(task, &[example], device)?;
            batch.check_targets(vocab_size)?;
            if inputs.attention_weights && batch.n_targets() > 0 {
                Prediction::new(&model, &batch, Mode::Evaluate, inputs)?;
            }
        }
        let state = State { step: 0, model, optimizer: OptimizerState::default() };
        let (device, observers) = (device.clone(), Vec::new());
        let (origin, stop_after, processes) = (Origin::New, None, &Alone);
        Ok(Self { state, origin, task, parts, device, stop_after, processes, observers })
    }

    /// Begins with the state of another run, and saves it first, after the evaluation that belongs to its step.
    pub fn begin_with(self, state: State<M>) -> Self {
        Self { state, origin: Origin::New, ..self }
    }

    /// Goes on from where this run was left, with the settings of its optimizer; see
    /// [`load_checkpoint`](crate::load_checkpoint). The state is not saved again.
    pub fn resume(self, state: State<M>) -> Self {
        Self { state, origin: Origin::Saved { is_evaluated: true }, ..self }
    }

    /// The same where the evaluation that belongs to the step of the state may be missing: it is made first then, and
    /// reported, and the checkpoint gets its result.
    pub fn resume_unevaluated(self, state: State<M>) -> Self {
        Self { state, origin: Origin::Saved { is_evaluated: false }, ..self }
    }

    /// Adds an observer.
    pub fn observe(mut self, observer: &'a mut dyn Observer<M>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Leaves at step `steps` of the run, or where it begins if that is later, without changing the schedule of the
    /// whole run.
    pub fn stop_after(mut self, steps: Option<u64>) -> Self {
        self.stop_after = steps;
        self
    }

    /// Trains together with other processes, each of which has a trainer of the same task, state and parts. The weights
    /// are the same on all of them, and bit for bit those that one process computes. Each has its own observers: those that
    /// write or print belong to the first process alone; one that stops the run stops all of them.
    ///
    /// # Errors
    /// If there are more processes than `train.shards`, one of them has other parts or another task than the first, or one
    /// is lost.
    pub fn across(self, processes: &'a dyn Processes) -> Result<Self, TrainError> {
        let (Recipe { seed, train, .. }, size) = (&self.parts.recipe, processes.size());
        if size > train.shards {
            return Err(TrainError::MoreProcesses { processes: size, shards: train.shards });
        }
        if size > 1 {
            check_equal(processes, "other settings", of_settings(&self.parts.recipe))?;
            check_equal(processes, "another task or text", of_task(self.task, *seed)?)?;
        }
        Ok(Self { processes, ..self })
    }

    /// Trains until the last step, the validation target, or a stop.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] if the loss, a gradient, a parameter or the optimizer's state is not finite, also where
    /// it was not before the first step: nothing is saved then. If an observer fails, after a checkpoint was tried. If the
    /// processes of the run do not begin and end alike, or one of them is lost.
    pub fn run(self) -> Result<Trained<M>, TrainError> {
        let Self { mut state, origin, task, parts, device, stop_after, processes, observers } = self;
        let Recipe { seed, train, .. } = parts.recipe.clone();
        state.check_finite()?;
        if processes.size() > 1 {
            check_equal(processes, "another beginning or end", of_settings(&(origin, stop_after)))?;
            check_equal(processes, "other weights, or another state of its optimizer,", of_state(&state))?;
        }
        let mut observers = Observers::new(observers, (origin != Origin::New).then_some(state.step));
        let examples = |split| Examples { task, seed, split };
        let held_out = HeldOut { examples: examples(Split::Validation), n_examples: train.eval_examples };
        let (measures, stop_figure) = (parts.measures(), parts.stop_figure(task)?);
        let validation =
            Validation { held_out, measures, device: &device, train: &train, stop_figure, processes };
        let (batch_size, n_shards) = (train.batch_size, train.shards);
        let shards =
            Shards { examples: examples(Split::Train), batch_size, n_shards, device: &device, processes };

        observers.notify(&state, |observer| observer.start(&state))?;
        // The start of a run is not evaluated.
        let is_due = state.step > 0 && validation.is_due(state.step);
        let mut ended = match origin {
            _ if !is_due => None,
            Origin::Saved { is_evaluated: true } => validation.repeat(&state, &mut observers)?,
            Origin::Saved { is_evaluated: false } | Origin::New => {
                validation.report(&state, &mut observers)?
            }
        };
        if origin == Origin::New {
            observers.share_reports(&state)?;
        }
        let is_saved = match origin {
            Origin::New => false,
            Origin::Saved { is_evaluated: true } => true,
            // What was saved when the evaluation was stopped is without its result.
            Origin::Saved { is_evaluated: false } => {
                let is_last = ended.is_some() || state.step == train.steps;
                let is_kept = is_last || state.step.is_multiple_of(train.checkpoint_every);
                !is_due || ended == Some(Ended::Stopped) || !is_kept
            }
        };
        let next = if is_saved { Next::Continue } else { observers.save(&state)? };
        if next.agreed(processes)? == Next::Stop && state.step < train.steps {
            ended.get_or_insert(Ended::Stopped);
        }
        let stops_here = |step: u64| step < train.steps && stop_after.is_some_and(|last| step >= last);
        if stops_here(state.step) {
            ended.get_or_insert(Ended::Stopped);
        }
        let mut last = Stopwatch::start();
        while state.step < train.steps && ended.is_none() {
            let factor = match parts.factor(state.step) {
                Ok(factor) => factor,
                Err(error) => {
                    // The state is good: only what would follow is not.
                    observers.save_once(&state)?;
                    // The first process to fail ends all of them: none does before the first has saved.
                    agreed(processes, 0)?;
                    return Err(error);
                }
            };
            let lr = parts.learning_rate(factor);
            let backward = shards.backward(&state, &parts)?;
            observers.notify(&state, |observer| observer.gradients(&state, &backward.gradients))?;
            let outcome;
            (state, outcome) = state.update(&parts, backward, factor)?;
            let StepOutcome { loss, loss_parts, grad_norm } = outcome;

            let n_tokens = (train.batch_size * task.seq_len()) as f64;
            let tokens_per_second = n_tokens / last.seconds();
            let report = StepReport { step: state.step, loss, lr, grad_norm, tokens_per_second, loss_parts };
            let mut next = Next::Continue;
            observers.notify(&state, |observer| {
                next = next.max(observer.step(&state, &report)?);
                Ok(())
            })?;

            if validation.is_due(state.step) {
                ended = validation.report(&state, &mut observers)?;
            }
            observers.share_reports(&state)?;
            if ended.is_some() {
                break;
            }
            if state.step.is_multiple_of(train.checkpoint_every) || next == Next::Save {
                next = next.max(observers.save(&state)?);
            }
            next = next.agreed(processes)?;
            if (next == Next::Stop && state.step < train.steps) || stops_here(state.step) {
                ended = Some(Ended::Stopped);
            }
            last = Stopwatch::start();
        }

        observers.save_once(&state)?;
        observers.notify(&state, |observer| observer.end(&state))?;
        Ok(Trained { state, ended: ended.unwrap_or(Ended::Finished) })
    }
}

impl Next {
    /// The greatest answer of all processes.
    fn agreed(self, processes: &dyn Processes) -> Result<Self, TrainError> {
        Ok(match agreed(processes, self as u8)? {
            0 => Self::Continue,
            1 => Self::Save,
            _ => Self::Stop,
        })
    }
}
