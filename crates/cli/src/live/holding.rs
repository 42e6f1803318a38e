//! When the trainer waits for the view: while it is held by a key, in slow motion, and at the end.

use std::time::{Duration, Instant};

use burn::module::Module;
use qkv_train::{Model, Next, State};

use super::budget::Delays;
use super::pace::Pace;
use super::view::{Motion, Training};
use super::{KEY_POLL, Live, slow};

impl Live<'_> {
    /// Whether the trainer waits: for a key, or in slow motion until the step has lasted long enough.
    fn is_to_wait(&self) -> bool {
        let is_waiting = match (self.view.training, self.view.motion) {
            (Training::Over, _) => !self.has_no_keyboard,
            (Training::Held, _) => self.steps_requested == 0,
            (Training::Runs, Motion::Full) => false,
            (Training::Runs, Motion::Slow) => !self.rest_of_the_step().is_zero(),
        };
        is_waiting && self.terminal.is_some() && self.interrupt.exit_code().is_none()
    }

    /// How much longer the step lasts in slow motion.
    fn rest_of_the_step(&self) -> Duration {
        let Pace { step, last_step, .. } = self.view.pace;
        slow::duration(step, last_step).saturating_sub(self.step_ended.elapsed())
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

    /// Shows the figures of a training that came to its end until a key or a signal ends the view, if it still has the
    /// screen.
    pub fn stay<M: Model + Module>(&mut self, state: &State<M>, figures: String) {
        if self.is_shown() {
            self.view.ending = figures;
            self.hold(state);
        }
    }
}
