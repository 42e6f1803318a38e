//! Hooks into a training run: the progress bar, the metrics log, the checkpoints, and yours.

use std::ops::ControlFlow;

use burn::optim::GradientsParams;
use qkv_run::{CustomReport, Evaluation, Event, StepReport};

use super::optimizer::OptimizerState;
use super::trainer::Ended;
use crate::error::TrainError;
use crate::measure::EvaluationProgress;

/// Where a run stands.
#[derive(Clone)]
pub struct State<M> {
    /// Optimizer steps completed.
    pub step: u64,
    /// The model, on its training device.
    pub model: M,
    /// What the optimizer remembers.
    pub optimizer: OptimizerState,
}

/// Whether a run goes on after a step; of several answers the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Next {
    /// Go on.
    Continue,
    /// Save a checkpoint here, and go on.
    Save,
    /// Save and leave.
    Stop,
}

/// Watches a run. Every hook does nothing by default. An error ends the run; where its state is not saved, all
/// observers are first asked for a checkpoint.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, TransformerConfig};
/// use qkv_train::{Next, Observer, Recipe, Reverse, State, StepReport, TrainError, Trainer};
///
/// /// Stops a run whose loss has halved.
/// #[derive(Default)]
/// struct Halved {
///     first: Option<f64>,
/// }
///
/// impl<M> Observer<M> for Halved {
///     fn step(&mut self, _: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
///         let first = *self.first.get_or_insert(report.loss);
///         Ok(if report.loss <= first / 2.0 { Next::Stop } else { Next::Continue })
///     }
/// }
///
/// let task = Reverse { seq_len: 4, n_symbols: 3 };
/// let device = Device::flex().autodiff();
/// let model = TransformerConfig::new(3, 4, 16).init(&Init::new(&device, 0))?;
/// let mut halved = Halved::default();
/// let trained = Trainer::new(model, &task, Recipe::default(), &device)?.observe(&mut halved).run()?;
/// assert!(trained.state.step < 500);
/// # Ok::<(), TrainError>(())
/// ```
#[allow(unused_variables)]
pub trait Observer<M> {
    /// Before the first step.
    fn start(&mut self, state: &State<M>) -> Result<(), TrainError> {
        Ok(())
    }

    /// Before every update, with the gradients of its loss, not yet clipped; `state` is what the update starts from.
    fn gradients(&mut self, state: &State<M>, gradients: &GradientsParams) -> Result<(), TrainError> {
        Ok(())
    }

    /// After every step.
    fn step(&mut self, state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        Ok(Next::Continue)
    }

    /// Before every batch of an evaluation on the validation split. `Break` ends the evaluation, of which nothing is
    /// reported, and after a checkpoint the run; a run that goes on from there
    /// [makes it first](crate::Trainer::resume_unevaluated).
    fn evaluating(
        &mut self,
        state: &State<M>,
        progress: EvaluationProgress,
    ) -> Result<ControlFlow<()>, TrainError> {
        Ok(ControlFlow::Continue(()))
    }

    /// After an evaluation on the validation split.
    fn evaluated(&mut self, state: &State<M>, evaluation: &Evaluation) -> Result<(), TrainError> {
        Ok(())
    }

    /// What it has to log of its own: asked once a step, after the step and its evaluation and before the checkpoint of
    /// it, and before the first checkpoint of a run. The trainer sets the step. A resumed run is not asked again at the
    /// step from which it goes on.
    fn report(&mut self, state: &State<M>) -> Result<Option<CustomReport>, TrainError> {
        Ok(None)
    }

    /// When an observer has reported something of its own, this one or another.
    fn reported(&mut self, state: &State<M>, report: &CustomReport) -> Result<(), TrainError> {
        Ok(())
    }

    /// When a checkpoint is due: at the start of a run, every so often, when an observer asks for it, and at the end;
    /// never for a state that came from a checkpoint of the run, but to add the evaluation that it lacked.
    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        Ok(())
    }

    /// After every checkpoint, once all observers have written theirs. `Save` asks for nothing further.
    fn saved(&mut self, state: &State<M>) -> Result<Next, TrainError> {
        Ok(Next::Continue)
    }

    /// After the last step.
    fn end(&mut self, state: &State<M>) -> Result<(), TrainError> {
        Ok(())
    }

    /// What it has cost the run, for the last line of its log; asked once the run has its final figures.
    fn add_costs(&self, costs: &mut Costs) {}

    /// When a run of the command line has its final figures: `event` is the [`Event::Done`] of it.
    fn done(&mut self, ended: &Ended, event: &Event) -> Result<(), TrainError> {
        Ok(())
    }
}

/// What observers have cost a run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Costs {
    /// Step of the first frame of the film that could not be written.
    pub film_ended_at: Option<u64>,
    /// Time that went into the film.
    pub snapshot_seconds: f64,
    /// Time that went into checkpoints.
    pub checkpoint_seconds: f64,
}
