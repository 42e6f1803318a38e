//! The live view of `qkv train … --live`: an observer that draws and changes no byte of the run.
//!
//! The code that reads keys, captures matrices and draws pictures belongs here; what is printed line by line belongs to
//! `output`.

mod budget;
mod capture;
mod drawing;
mod holding;
mod keys;
mod observing;
mod pace;
mod slow;
mod terminal;
mod view;

use std::time::{Duration, Instant};

use anyhow::Result;
use burn::module::Module;
use qkv_train::{Model, Next, State};

use crate::exit::usage;
use crate::output::colour;
use crate::output::training::rate::Rate;
use crate::session::interrupt::Interrupt;
use budget::{Budget, Delays, TRAINING_PER_CAPTURE, TRAINING_PER_PICTURE};
use keys::Key;
use pace::{Clock, Pace};
use terminal::Terminal;
use view::{Capture, Place, Training, View};

pub use capture::Capturer;
pub use pace::Length;
pub use terminal::close;
pub use view::Motion;

/// Between two reads of the keyboard, each of which takes some microseconds.
const KEY_POLL: Duration = Duration::from_millis(30);

/// How long a message is shown, in the line of the keys.
const MESSAGE_SHOWN: Duration = Duration::from_secs(4);

/// Shows a run while it trains, and obeys the keyboard.
pub struct Live<'a> {
    capturer: Capturer<'a>,
    view: View,
    length: Length,
    interrupt: Interrupt,
    /// `None` before the start, and once the terminal was given back.
    terminal: Option<Terminal>,
    captures: Budget,
    /// Step and place of the latest capture.
    captured: Option<(u64, Place)>,
    pictures: Budget,
    /// The latest read of the keyboard.
    keys_read: Instant,
    clock: Clock,
    rate: Rate,
    /// What keys asked for within an evaluation, for the step after it.
    requested: Next,
    /// Whether the next checkpoint was asked for by a key.
    is_save_requested: bool,
    /// Steps that a key asked for while the training is held.
    steps_requested: u64,
    /// Whether a key has stopped the training.
    is_stopped: bool,
    /// Whether no key will follow.
    has_no_keyboard: bool,
    /// Whether its user has decided how fast it goes.
    is_motion_chosen: bool,
    /// Whether the keyboard was read before.
    has_read_keys: bool,
    /// Whether the trainer waits for this view.
    is_holding: bool,
    step_ended: Instant,
    message_since: Instant,
}

/// Refuses a view without a terminal, before anything is created.
pub fn check() -> Result<()> {
    let Some(obstacle) = terminal::obstacle() else { return Ok(()) };
    Err(usage(format!(
        "the live view cannot be shown: {obstacle}; leave --live out, or use --json for a program"
    )))
}

impl<'a> Live<'a> {
    /// A view of a run of this length; it gives the screen back as soon as `interrupt` has a
    /// signal.
    pub fn new(capturer: Capturer<'a>, length: Length, motion: Motion, interrupt: &Interrupt) -> Self {
        let view = View {
            task: capturer.name.to_owned(),
            style: colour::text_style(),
            pace: Pace::default(),
            loss: Default::default(),
            accuracy: Default::default(),
            place: Place::default(),
            n_heads: Vec::new(),
            layer_names: Vec::new(),
            n_inputs: capturer.examples.len(),
            capture: Capture::default(),
            training: Training::Runs,
            motion,
            has_help: false,
            message: String::new(),
            ending: String::new(),
        };
        Self {
            capturer,
            view,
            length,
            interrupt: interrupt.clone(),
            terminal: None,
            captures: Budget::new(TRAINING_PER_CAPTURE),
            captured: None,
            pictures: Budget::new(TRAINING_PER_PICTURE),
            keys_read: Instant::now(),
            clock: Clock::at(0),
            rate: Rate::default(),
            requested: Next::Continue,
            is_save_requested: false,
            steps_requested: 0,
            is_stopped: false,
            has_no_keyboard: false,
            is_motion_chosen: motion == Motion::Slow,
            has_read_keys: false,
            is_holding: false,
            step_ended: Instant::now(),
            message_since: Instant::now(),
        }
    }

    /// Training time that was spent on it so far, in seconds.
    pub fn seconds(&self) -> f64 {
        (self.captures.spent() + self.pictures.spent()).as_secs_f64()
    }

    /// Seconds in which the training was held.
    pub fn held_seconds(&self) -> f64 {
        self.clock.held.as_secs_f64()
    }

    /// Whether there is a view, which may outlive the training.
    pub fn is_shown(&self) -> bool {
        self.terminal.is_some()
    }

    /// Draws if a picture is due and a slow terminal has taken the one before; captures the model first, if that is
    /// due. A terminal that is gone ends the view, not the run.
    fn draw<M: Model + Module>(&mut self, state: &State<M>) {
        let delays = self.delays();
        let Some(terminal) = self.terminal.as_ref().filter(|_| self.pictures.is_due()) else { return };
        match terminal.is_ready() {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => return self.leave(),
        }
        let Self { capturer, view, captures, rate, captured, .. } = self;
        // While the training is held, the model stays what it is.
        if captures.is_due() && *captured != Some((state.step, view.place)) {
            let started = Instant::now();
            view.capture = capturer.capture(&state.model, view.place);
            *captured = Some((state.step, view.place));
            captures.spend(started, delays);
        }
        view.pace.tokens_per_second = std::mem::take(rate).mean().or(view.pace.tokens_per_second);
        self.show();
    }

    /// Draws the latest capture.
    fn show(&mut self) {
        let delays = self.delays();
        let Self { view, terminal, pictures, .. } = self;
        let Some(screen) = terminal else { return };
        let started = Instant::now();
        if self.message_since.elapsed() >= MESSAGE_SHOWN {
            view.message.clear();
        }
        let drawn = screen.draw(|frame| drawing::draw(view, frame.area(), frame.buffer_mut()));
        pictures.spend(started, delays);
        if drawn.is_err() {
            self.leave();
        }
    }

    /// What a picture keeps from its work now.
    fn delays(&self) -> Delays {
        if self.is_holding { Delays::Nothing } else { Delays::Training }
    }

    /// Gives the terminal back; a training that was held goes on, because no key can let it.
    fn leave(&mut self) {
        self.terminal = None;
        self.view.training = Training::Runs;
    }

    /// Handles the keys that were pressed, if it is time to look; returns what they ask of the trainer.
    fn read_keys(&mut self) -> Next {
        if self.keys_read.elapsed() >= KEY_POLL { self.handle_keys() } else { Next::Continue }
    }

    /// Handles the keys that were pressed; returns what they ask of the trainer.
    fn handle_keys(&mut self) -> Next {
        self.keys_read = Instant::now();
        let Some(terminal) = &self.terminal else { return Next::Continue };
        let Ok(typed) = terminal.typed() else {
            self.leave();
            return Next::Continue;
        };
        // What is left of a Ctrl-D that came before the view took the terminal; later the same byte is Ctrl-Space.
        let is_first = !std::mem::replace(&mut self.has_read_keys, true);
        self.has_no_keyboard |= is_first && typed.contains(&0);
        let mut next = Next::Continue;
        for key in keys::keys(&typed) {
            let delays = self.delays();
            let Self { view, captures, pictures, .. } = self;
            match (key, view.training) {
                (Key::Move(axis, direction), _) => {
                    view.place = view.place.moved(axis, direction, &view.n_heads, view.n_inputs);
                    captures.hurry(delays);
                }
                (Key::Help, _) => view.has_help = !view.has_help,
                (Key::Stop, _) => {
                    self.is_stopped = true;
                    // It is not held any longer; one that is over stays so.
                    if view.training == Training::Held {
                        view.training = Training::Runs;
                    }
                    return Next::Stop;
                }
                (Key::InputEnded, _) => self.has_no_keyboard = true,
                (Key::Pause | Key::Step | Key::Motion | Key::Save, Training::Over) => {}
                (Key::Pause | Key::Step, Training::Runs) => {
                    view.training = Training::Held;
                    self.steps_requested = 0;
                }
                (Key::Pause, Training::Held) => view.training = Training::Runs,
                (Key::Step, Training::Held) => self.steps_requested += 1,
                (Key::Motion, _) => {
                    view.motion = view.motion.switched();
                    self.is_motion_chosen = true;
                }
                (Key::Save, _) => {
                    next = Next::Save;
                    self.is_save_requested = true;
                }
            }
            pictures.hurry(delays);
        }
        next
    }

    /// Shows that the step is saved, if a key asked for it; returns whether one did.
    fn show_save(&mut self, step: u64) -> bool {
        let is_requested = std::mem::take(&mut self.is_save_requested);
        if is_requested {
            self.view.message = format!("saved step {step}");
            self.message_since = Instant::now();
            self.pictures.hurry(self.delays());
        }
        is_requested
    }

    /// Gives the screen back, and waits until it is.
    pub fn close(&mut self) {
        self.leave();
        terminal::settle();
    }

    /// `Stop` after a signal, or else `next`.
    fn unless_interrupted(&mut self, next: Next) -> Next {
        if self.interrupt.exit_code().is_none() {
            return next;
        }
        // What follows is printed on the screen of before.
        self.leave();
        Next::Stop
    }
}
