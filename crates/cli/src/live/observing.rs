//! What the live view does at each moment of a training.

use std::ops::ControlFlow;
use std::path::Path;

use burn::module::Module;
use qkv_train::{Evaluation, EvaluationProgress, Model, Next, Observer, State, StepReport, TrainError};

use super::Live;
use super::pace::{Clock, Pace};
use super::terminal::{self, Terminal};
use super::view::Training;

impl<M: Model + Module> Observer<M> for Live<'_> {
    fn start(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.view.n_heads = state.model.layers().iter().map(|layer| layer.n_heads).collect();
        let pace = &mut self.view.pace;
        pace.step = state.step;
        let leaves_at = self.stop_after.map(|step| step.max(state.step));
        pace.last_step = leaves_at.map_or(pace.last_step, |step| step.min(pace.last_step));
        self.clock = Clock::at(state.step);
        let failed = TrainError::io("show the live view on", Path::new("the terminal"));
        self.terminal = Some(Terminal::open().map_err(failed)?);
        // An earlier signal found no terminal to give back, and a second one ends the process.
        if self.interrupt.exit_code().is_some() {
            self.leave();
        }
        // A capture takes some 20 ms before anything was computed, 2 % of a short run; the first follows the first
        // step.
        self.show();
        self.pictures.hurry(Training::Runs);
        Ok(())
    }

    fn step(&mut self, state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        let step = report.step;
        self.view.loss.push(step, report.loss);
        self.rate.push(report.tokens_per_second);
        let seconds_left = self.clock.seconds_left(step, self.view.pace.last_step);
        self.view.pace = Pace { step, report: Some(report.clone()), seconds_left, ..self.view.pace };
        let mut next = std::mem::replace(&mut self.requested, Next::Continue).max(self.read_keys());
        if next == Next::Continue && self.view.training == Training::Held {
            next = self.hold(state);
        }
        self.draw(state);
        Ok(self.unless_interrupted(next))
    }

    fn saved(&mut self, state: &State<M>) -> Result<Next, TrainError> {
        self.show_save(state.step);
        // A held run that is saved stays at its step, which need not be saved again.
        let mut next = Next::Save;
        while next == Next::Save && self.view.training == Training::Held {
            next = self.hold(state);
            self.show_save(state.step);
        }
        Ok(self.unless_interrupted(next))
    }

    fn evaluating(
        &mut self,
        state: &State<M>,
        _progress: EvaluationProgress,
    ) -> Result<ControlFlow<()>, TrainError> {
        self.requested = self.requested.max(self.read_keys());
        self.draw(state);
        let stops = self.unless_interrupted(self.requested) == Next::Stop;
        Ok(if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn evaluated(&mut self, state: &State<M>, evaluation: &Evaluation) -> Result<(), TrainError> {
        if let Some(accuracy) = evaluation.figure(Evaluation::ACCURACY) {
            self.view.accuracy.push(state.step, accuracy);
        }
        Ok(())
    }

    fn end(&mut self, _state: &State<M>) -> Result<(), TrainError> {
        self.leave();
        terminal::settle();
        Ok(())
    }
}
