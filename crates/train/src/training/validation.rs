//! The evaluations on the validation split, and what they end.

use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::Device;
use qkv_run::{Evaluation, Figure};

use super::finite::NotFinite;
use super::observer::State;
use super::observers::Observers;
use super::trainer::Ended;
use crate::config::TrainConfig;
use crate::error::{Quantity, TrainError};
use crate::measure::{HeldOut, Measures};
use crate::model::Model;
use crate::processes::Processes;

/// Evaluates the states of a run.
pub(super) struct Validation<'a> {
    pub(super) held_out: HeldOut<'a>,
    pub(super) measures: Measures<'a>,
    pub(super) device: &'a Device,
    pub(super) train: &'a TrainConfig,
    /// What `train.stop_at` is compared with.
    pub(super) stop_figure: Option<Figure>,
    pub(super) processes: &'a dyn Processes,
}

impl Validation<'_> {
    /// Whether the state of a step is evaluated.
    pub(super) fn is_due(&self, step: u64) -> bool {
        step.is_multiple_of(self.train.eval_every) || step == self.train.steps
    }

    /// Evaluates `state` and reports it to the observers. `Some` where this ends the run: the target is reached, or an
    /// observer ended the evaluation, of which nothing is reported then.
    pub(super) fn report<M: Model + Module>(
        &self,
        state: &State<M>,
        observers: &mut Observers<'_, M>,
    ) -> Result<Option<Ended>, TrainError> {
        let ControlFlow::Continue(evaluation) = self.evaluate(state, observers)? else {
            return Ok(Some(Ended::Stopped));
        };
        // No step after the last update checks its loss.
        if let Some(loss) = NotFinite::number(Quantity::HeldOutLoss, evaluation.loss) {
            return Err(loss.after(state.step));
        }
        observers.notify(state, |observer| observer.evaluated(state, &evaluation))?;
        Ok(self.early(evaluation))
    }

    /// A run that had reached its target when it was saved does not go on; its evaluation was reported before.
    pub(super) fn repeat<M: Model + Module>(
        &self,
        state: &State<M>,
        observers: &mut Observers<'_, M>,
    ) -> Result<Option<Ended>, TrainError> {
        if self.train.stop_at == 0.0 || !state.step.is_multiple_of(self.train.eval_every) {
            return Ok(None);
        }
        Ok(match self.evaluate(state, observers)? {
            ControlFlow::Continue(evaluation) => self.early(evaluation),
            ControlFlow::Break(()) => Some(Ended::Stopped),
        })
    }

    fn evaluate<M: Model + Module>(
        &self,
        state: &State<M>,
        observers: &mut Observers<'_, M>,
    ) -> Result<ControlFlow<(), Evaluation>, TrainError> {
        let mut ask = |progress| observers.ask(state, progress);
        let (model, Self { held_out, measures, device, processes, .. }) = (state.model.valid(), self);
        let whole = held_out.evaluate_across(*processes, &model, *measures, device, &mut ask)?;
        Ok(whole.map_break(|_| ()))
    }

    fn early(&self, evaluation: Evaluation) -> Option<Ended> {
        let TrainConfig { stop_at, .. } = *self.train;
        let figure = self.stop_figure.as_ref().filter(|_| stop_at != 0.0)?;
        figure.is_reached(&evaluation, stop_at).then_some(Ended::Early(evaluation))
    }
}
