//! When the trainer waits for the view: while it is held by a key, in slow motion, and at the end.

use std::time::{Duration, Instant};

use burn::module::Module;
use qkv_inspect::grouped;
use qkv_train::{EvaluationProgress, Model, Next, State};

use super::budget::Delays;
use super::slow::{SHORT, Slow, VISIBLE};
use super::view::{Motion, Training};
use super::{KEY_POLL, Live};

impl Live<'_> {
    /// Whether the trainer waits: for a key, or in slow motion until the step has lasted long enough.
    fn is_to_wait(&self) -> bool {
        let is_waiting = match (self.view.training, self.view.motion) {
            (Training::Over, _) => !self.has_no_keyboard,
            (Training::Held, _) => self.steps_requested == 0,
            (Training::Runs, Motion::Full) => false,
            (Training::Runs, Motion::Slow | Motion::Short) => !self.rest_of_the_step().is_zero(),
        };
        is_waiting && self.terminal.is_some() && self.interrupt.exit_code().is_none()
    }

    /// Whether the trainer waits after the step that it has made.
    pub(super) fn holds(&self) -> bool {
        self.view.training == Training::Held || self.is_to_wait()
    }

    /// The slow motion that there is now.
    pub(super) fn slow(&self) -> Option<Slow> {
        let last_step = self.view.pace.last_step;
        match self.view.motion {
            Motion::Full => None,
            Motion::Slow => Some(Slow::whole(last_step)),
            Motion::Short => Some(Slow::short(self.clock.first_step, last_step)),
        }
    }

    /// Stretches a run that would be over at once, unless its user has decided how fast it goes. `step` is made.
    pub(super) fn pace_a_short_run(&mut self, step: u64) {
        let Some(seconds) = self.clock.seconds_in_all(step, self.view.pace.last_step) else { return };
        // What is stretched stays so as long as that makes a difference, and does not go to and fro.
        let enough = match self.view.motion {
            Motion::Short => VISIBLE,
            Motion::Full | Motion::Slow => SHORT,
        };
        // Without a keyboard it could not be skipped.
        let is_short = seconds < enough.as_secs_f64() && !self.has_no_keyboard;
        if !self.is_motion_chosen {
            self.view.motion = if is_short { Motion::Short } else { Motion::Full };
        }
    }

    /// How much longer the step lasts in slow motion.
    fn rest_of_the_step(&self) -> Duration {
        let duration = self.slow().map_or(Duration::ZERO, |slow| slow.duration(self.view.pace.step));
        duration.saturating_sub(self.step_ended.elapsed())
    }

    /// Shows the state for as long as the trainer [is to wait](Self::is_to_wait), or until a key asks something of it.
    pub(super) fn hold<M: Model + Module>(&mut self, state: &State<M>) -> Next {
        let began = Instant::now();
        let mut next = Next::Continue;
        self.is_holding = true;
        // The screen shows the step that is held; in slow motion ten pictures a second do.
        if self.view.training != Training::Runs {
            self.pictures.hurry(Delays::Nothing);
            self.captures.hurry(Delays::Nothing);
        }
        self.draw(state);
        while next == Next::Continue && self.is_to_wait() {
            let rest = match self.view.training {
                Training::Runs => self.rest_of_the_step().min(KEY_POLL),
                Training::Held | Training::Over => KEY_POLL,
            };
            std::thread::sleep(rest);
            next = self.handle_keys();
            self.draw(state);
        }
        if next == Next::Continue {
            self.steps_requested = self.steps_requested.saturating_sub(1);
        }
        self.is_holding = false;
        let held = began.elapsed();
        self.clock.held += held;
        self.captures.wait(held);
        self.pictures.wait(held);
        next
    }

    /// Shows the end of the training while its figures are measured.
    pub(super) fn show_end<M: Model + Module>(&mut self, state: &State<M>) {
        self.view.training = Training::Over;
        self.view.ending = "measuring on the test split …".to_owned();
        let began = Instant::now();
        self.is_holding = true;
        self.pictures.hurry(Delays::Nothing);
        self.captures.hurry(Delays::Nothing);
        self.draw(state);
        self.is_holding = false;
        self.clock.held += began.elapsed();
    }

    /// Shows how far a figure of the end is, which is made of `what`, and obeys the keyboard meanwhile: a key that leaves
    /// ends the view alone.
    pub fn measure<M: Model + Module>(
        &mut self,
        state: &State<M>,
        what: &str,
        EvaluationProgress { n_done, n_examples }: EvaluationProgress,
    ) {
        let [done, all] = [n_done, n_examples].map(|count| grouped(count as usize));
        self.view.ending = format!("measuring: {done} of {all} {what}");
        if self.read_keys() == Next::Stop {
            return self.close();
        }
        self.draw(state);
        self.unless_interrupted(Next::Continue);
    }

    /// Shows the figures of a training that came to its end until a key or a signal ends the view, if it still has the
    /// screen.
    pub fn stay<M: Model + Module>(&mut self, state: &State<M>, figures: String) {
        if self.is_shown() {
            self.view.ending = figures;
            self.hold(state);
        }
    }
}
