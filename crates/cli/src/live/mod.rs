//! The live view of `qkv train … --live`: an observer that draws. It changes no byte of the run.

mod budget;
mod cells;
mod curve;
mod curves;
mod drawing;
mod keys;
mod lines;
mod matrices;
mod paper;
mod sight;
#[cfg(unix)]
mod terminal;
#[cfg(not(unix))]
#[path = "no_terminal.rs"]
mod terminal;
mod view;
#[cfg(unix)]
mod writer;

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use qkv_train::{Config, Evaluation, Model, Next, Observer, State, StepReport, TrainError};

use crate::exit::usage;
use crate::interrupt::Interrupt;
use crate::style;
use budget::Budget;
use keys::Key;
use terminal::Terminal;
use view::{LookedAt, Mode, Pace, Place, View};

pub use sight::Sight;
pub use terminal::close;

/// Between two looks at the keyboard, each of which takes some microseconds.
const LISTENING: Duration = Duration::from_millis(30);

/// Shows a run while it trains, and takes wishes from the keyboard.
pub struct Live<'a> {
    sight: Sight<'a>,
    view: View,
    interrupt: Interrupt,
    /// `None` before the first step, and once the terminal was given back.
    terminal: Option<Terminal>,
    budget: Budget,
    /// The latest look at the keyboard.
    listened: Instant,
    clock: Clock,
    rate: Rate,
    /// What was asked for where the trainer could not be told.
    wish: Next,
}

/// What the time left is judged by.
struct Clock {
    started: Instant,
    first_step: u64,
    held: Duration,
}

/// Tokens per second between two pictures, because those of single steps flicker.
#[derive(Default)]
struct Rate {
    /// Training time of a token in each step, added up.
    seconds: f64,
    steps: f64,
}

/// Refuses a view that nobody could see, before anything is created.
pub fn check() -> Result<()> {
    match terminal::obstacle() {
        None => Ok(()),
        Some(obstacle) => Err(usage(format!(
            "--live needs a terminal, but {obstacle}; leave it out, or use --json for a program"
        ))),
    }
}

impl<'a> Live<'a> {
    /// A view of a run with this config; it leaves the screen as soon as `interrupt` has a signal.
    pub fn new(sight: Sight<'a>, config: &Config, interrupt: &Interrupt) -> Self {
        let view = View {
            task: sight.task.name().to_owned(),
            style: style::heat_maps(),
            pace: Pace { steps: config.train.steps, ..Pace::default() },
            loss: Default::default(),
            accuracy: Default::default(),
            place: Place::default(),
            n_heads: Vec::new(),
            n_inputs: sight.examples.len(),
            looked_at: LookedAt::default(),
            mode: Mode::Running,
            has_help: false,
            message: String::new(),
        };
        let clock = Clock { started: Instant::now(), first_step: 0, held: Duration::ZERO };
        let interrupt = interrupt.clone();
        let (terminal, budget, wish) = (None, Budget::new(), Next::Continue);
        let (listened, rate) = (Instant::now(), Rate::default());
        Self { sight, view, interrupt, terminal, budget, listened, clock, rate, wish }
    }

    /// Time that was spent on it so far, in seconds.
    pub fn seconds(&self) -> f64 {
        self.budget.spent().as_secs_f64()
    }

    /// Looks at the model and draws, unless the picture before is still on its way to a slow terminal. A terminal that is
    /// gone ends the view, not the run.
    fn draw<M: Model>(&mut self, state: &State<M>) -> Result<(), TrainError> {
        let Self { sight, view, terminal, rate, .. } = self;
        match terminal.as_ref().map(Terminal::is_ready) {
            Some(Ok(true)) => {}
            Some(Err(_)) => {
                self.leave();
                return Ok(());
            }
            Some(Ok(false)) | None => return Ok(()),
        }
        let started = Instant::now();
        view.pace.tokens_per_second = std::mem::take(rate).mean().unwrap_or(view.pace.tokens_per_second);
        view.looked_at =
            sight.look(&state.model, view.place).map_err(|error| failed(io::Error::other(error)))?;
        self.show(started);
        Ok(())
    }

    /// Draws what was seen last; `started` is when that began.
    fn show(&mut self, started: Instant) {
        let Self { view, terminal, .. } = self;
        let Some(screen) = terminal else { return };
        let drawn = screen.draw(|frame| drawing::draw(view, frame.area(), frame.buffer_mut()));
        self.budget.spend(started);
        if drawn.is_err() {
            self.leave();
        }
    }

    /// Gives the terminal back; whoever held the training can let it go no more.
    fn leave(&mut self) {
        self.terminal = None;
        self.view.mode = Mode::Running;
    }

    /// Does what was typed; what it asks of the trainer comes back.
    fn obey(&mut self) -> Next {
        self.listened = Instant::now();
        let Some(terminal) = &self.terminal else { return Next::Continue };
        let Ok(typed) = terminal.typed() else {
            self.leave();
            return Next::Continue;
        };
        let mut next = Next::Continue;
        for key in keys::keys(&typed) {
            let view = &mut self.view;
            // Nothing is slowed down by a picture while the training is held.
            if view.mode == Mode::Paused {
                self.budget.hurry();
            }
            match key {
                Key::Move(axis, direction) => {
                    view.place = view.place.moved(axis, direction, &view.n_heads, view.n_inputs);
                }
                Key::Pause if view.mode == Mode::Running => view.mode = Mode::Paused,
                Key::Pause => view.mode = Mode::Running,
                Key::Help => view.has_help = !view.has_help,
                Key::Save => {
                    next = next.max(Next::Save);
                    view.message = format!("saved step {}", view.pace.step);
                }
                Key::Stop => {
                    next = Next::Stop;
                    // The checkpoint that follows must not hold the training again.
                    view.mode = Mode::Running;
                }
            }
        }
        next
    }

    /// Holds the training while it is paused, until somebody wants something of it.
    fn hold<M: Model>(&mut self, state: &State<M>) -> Result<Next, TrainError> {
        let began = Instant::now();
        let mut next = Next::Continue;
        while self.view.mode == Mode::Paused && next == Next::Continue && self.interrupt.exit_code().is_none()
        {
            if self.budget.is_due() {
                self.draw(state)?;
            }
            std::thread::sleep(LISTENING);
            next = self.obey();
        }
        self.clock.held += began.elapsed();
        Ok(next)
    }
}

impl<M: Model> Observer<M> for Live<'_> {
    fn start(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.view.n_heads = state.model.layers().iter().map(|layer| layer.n_heads).collect();
        self.view.pace.step = state.step;
        self.clock.first_step = state.step;
        self.clock.started = Instant::now();
        self.terminal = Some(Terminal::open().map_err(failed)?);
        // A signal that came before found nothing to give back, and no other will.
        if self.interrupt.exit_code().is_some() {
            self.leave();
        }
        // A look takes some 20 ms before anything was computed, 2 % of a short run; the first comes after the first step.
        self.show(Instant::now());
        self.budget.hurry();
        Ok(())
    }

    fn step(&mut self, state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        let StepReport { step, loss, lr, tokens_per_second, .. } = *report;
        self.view.loss.push(step, loss);
        self.rate.push(tokens_per_second);
        let seconds_left = self.clock.seconds_left(step, self.view.pace.steps);
        self.view.pace = Pace { step, loss, lr, seconds_left, ..self.view.pace };
        let mut next = std::mem::replace(&mut self.wish, Next::Continue);
        if self.listened.elapsed() >= LISTENING {
            next = next.max(self.obey());
        }
        if self.budget.is_due() {
            self.draw(state)?;
        }
        if next == Next::Continue {
            next = self.hold(state)?;
        }
        if self.interrupt.exit_code().is_some() {
            // What follows is said on the screen that stays.
            self.leave();
            next = Next::Stop;
        }
        Ok(next)
    }

    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        // A run that is saved while it is held stays where it is.
        while self.view.mode == Mode::Paused && self.interrupt.exit_code().is_none() {
            self.budget.hurry();
            self.wish = match self.hold(state)? {
                Next::Save => Next::Continue,
                next => next,
            };
        }
        Ok(())
    }

    fn evaluated(&mut self, state: &State<M>, evaluation: &Evaluation) -> Result<(), TrainError> {
        self.view.accuracy.push(state.step, evaluation.accuracy);
        Ok(())
    }

    fn end(&mut self, _state: &State<M>) -> Result<(), TrainError> {
        self.leave();
        terminal::settle();
        Ok(())
    }
}

impl Clock {
    fn seconds_left(&self, step: u64, steps: u64) -> Option<f64> {
        let done = step.saturating_sub(self.first_step);
        let trained = self.started.elapsed().saturating_sub(self.held).as_secs_f64();
        (done > 0).then(|| trained / done as f64 * steps.saturating_sub(step) as f64)
    }
}

impl Rate {
    fn push(&mut self, tokens_per_second: f64) {
        self.seconds += 1.0 / tokens_per_second;
        self.steps += 1.0;
    }

    /// `None` where nothing was measured.
    fn mean(self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.steps / self.seconds)
    }
}

fn failed(error: io::Error) -> TrainError {
    TrainError::io("show the live view on", Path::new("the terminal"))(error)
}
