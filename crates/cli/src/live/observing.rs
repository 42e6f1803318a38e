//! What the live view does at each moment of a training.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use qkv_train::{
    Evaluation, EvaluationProgress, Layer, Model, Next, Observer, State, StepReport, TrainError,
};

use super::Live;
use super::budget::Delays;
use super::pace::{Clock, Pace};
use super::terminal::Terminal;
use super::view::Training;

impl<M: Model + Module> Observer<M> for Live<'_> {
    fn start(&mut self, state: &State<M>) -> Result<(), TrainError> {
        let layers = state.model.layers();
        self.view.n_heads = layers.iter().map(|layer| layer.n_heads).collect();
        if layers.iter().any(Layer::reads_a_part) {
            self.view.layer_names = Layer::titles(&layers);
        }
        self.view.place.layer = Layer::shown_first(&layers);
        self.view.capture.place = self.view.place;
        let pace = &mut self.view.pace;
        pace.step = state.step;
        pace.last_step = self.length.last_step(state.step);
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
        self.pictures.hurry(Delays::Training);
        self.step_ended = Instant::now();
        Ok(())
    }

    fn step(&mut self, state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        let step = report.step;
        self.view.loss.push(step, report.loss);
        self.rate.push(report.tokens_per_second);
        let last_step = self.view.pace.last_step;
        let seconds_left = self.clock.seconds_left(step, last_step);
        self.pace_a_short_run(step);
        let in_slow_motion = self.slow().map_or(0.0, |slow| slow.left(step).as_secs_f64());
        let seconds_left = seconds_left.map(|seconds| seconds.max(in_slow_motion));
        self.view.pace = Pace { step, report: Some(report.clone()), seconds_left, ..self.view.pace };
        let mut next = std::mem::replace(&mut self.requested, Next::Continue).max(self.read_keys());
        if next == Next::Continue && self.holds() {
            next = self.hold(state);
        } else {
            self.draw(state);
        }
        self.step_ended = Instant::now();
        Ok(self.unless_interrupted(next))
    }

    fn saved(&mut self, state: &State<M>) -> Result<Next, TrainError> {
        // A held run that is saved by a key stays at its step, which need not be saved again.
        let mut next = Next::Save;
        while self.show_save(state.step) && next == Next::Save && self.view.training == Training::Held {
            next = self.hold(state);
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
        // A key that stops may have been pressed while the step before was shown.
        let stops = self.unless_interrupted(self.requested) == Next::Stop || self.is_stopped;
        Ok(if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn evaluated(&mut self, state: &State<M>, evaluation: &Evaluation) -> Result<(), TrainError> {
        if let Some(accuracy) = evaluation.figure(Evaluation::ACCURACY) {
            self.view.accuracy.push(state.step, accuracy);
        }
        Ok(())
    }

    fn end(&mut self, state: &State<M>) -> Result<(), TrainError> {
        let is_stopped = self.is_stopped || self.interrupt.exit_code().is_some();
        match is_stopped || !self.is_shown() {
            true => self.close(),
            false => self.show_end(state),
        }
        Ok(())
    }
}
