//! The live view of `qkv train … --live`: an observer that draws. It changes no byte of the run.

mod budget;
mod capture;
mod drawing;
mod keys;
mod series;
mod terminal;
mod view;

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use burn::module::Module;
use qkv_train::{Evaluation, Model, Next, Observer, State, StepReport, TrainError};

use crate::exit::usage;
use crate::output::colour;
use crate::session::interrupt::Interrupt;
use budget::{Budget, TRAINING_PER_LOOK, TRAINING_PER_PICTURE};
use keys::Key;
use terminal::Terminal;
use view::{LookedAt, Pace, Place, Training, View};

pub use capture::Sight;
pub use terminal::close;

/// Between two looks at the keyboard, each of which takes some microseconds.
const LISTENING: Duration = Duration::from_millis(30);

/// How long what happened last is told; it may stand where the keys do.
const TELLING: Duration = Duration::from_secs(4);

/// Shows a run while it trains, and takes wishes from the keyboard.
pub struct Live<'a> {
    sight: Sight<'a>,
    view: View,
    interrupt: Interrupt,
    /// `None` before the first step, and once the terminal was given back.
    terminal: Option<Terminal>,
    looks: Budget,
    /// Step and place of the latest look.
    seen: Option<(u64, Place)>,
    pictures: Budget,
    /// The latest look at the keyboard.
    listened: Instant,
    clock: Clock,
    rate: Rate,
    /// Whether the next checkpoint is one that somebody asked for.
    is_asked_to_save: bool,
    told: Instant,
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
    /// A view of a run that leaves at `last_step`; it leaves the screen as soon as `interrupt` has a signal.
    pub fn new(sight: Sight<'a>, last_step: u64, interrupt: &Interrupt) -> Self {
        let view = View {
            task: sight.task.name().to_owned(),
            style: colour::text_style(),
            pace: Pace { last_step, ..Pace::default() },
            loss: Default::default(),
            accuracy: Default::default(),
            place: Place::default(),
            n_heads: Vec::new(),
            n_inputs: sight.examples.len(),
            looked_at: LookedAt::default(),
            training: Training::Runs,
            has_help: false,
            message: String::new(),
        };
        let clock = Clock { started: Instant::now(), first_step: 0, held: Duration::ZERO };
        let interrupt = interrupt.clone();
        let (looks, pictures) = (Budget::new(TRAINING_PER_LOOK), Budget::new(TRAINING_PER_PICTURE));
        let terminal = None;
        let (listened, told, rate) = (Instant::now(), Instant::now(), Rate::default());
        let is_asked_to_save = false;
        Self {
            sight,
            view,
            interrupt,
            terminal,
            looks,
            seen: None,
            pictures,
            listened,
            clock,
            rate,
            is_asked_to_save,
            told,
        }
    }

    /// Training time that was spent on it so far, in seconds.
    pub fn seconds(&self) -> f64 {
        (self.looks.spent() + self.pictures.spent()).as_secs_f64()
    }

    /// Seconds in which the training was held.
    pub fn held_seconds(&self) -> f64 {
        self.clock.held.as_secs_f64()
    }

    /// Draws if a picture is due and the one before is not still on its way to a slow terminal, and looks at the model
    /// before, if that is due. A terminal that is gone ends the view, not the run.
    fn draw<M: Model + Module>(&mut self, state: &State<M>) {
        let Some(terminal) = self.terminal.as_ref().filter(|_| self.pictures.is_due()) else { return };
        match terminal.is_ready() {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => return self.leave(),
        }
        let Self { sight, view, looks, rate, seen, .. } = self;
        // While the training is held, the model stays what it is.
        if looks.is_due() && *seen != Some((state.step, view.place)) {
            let started = Instant::now();
            view.looked_at = sight.look(&state.model, view.place);
            *seen = Some((state.step, view.place));
            looks.spend(started, view.training);
        }
        view.pace.tokens_per_second = std::mem::take(rate).mean().or(view.pace.tokens_per_second);
        self.show();
    }

    /// Draws what was seen last.
    fn show(&mut self) {
        let Self { view, terminal, pictures, .. } = self;
        let Some(screen) = terminal else { return };
        let started = Instant::now();
        if self.told.elapsed() >= TELLING {
            view.message.clear();
        }
        let drawn = screen.draw(|frame| drawing::draw(view, frame.area(), frame.buffer_mut()));
        pictures.spend(started, view.training);
        if drawn.is_err() {
            self.leave();
        }
    }

    /// Gives the terminal back; whoever held the training can let it go no more.
    fn leave(&mut self) {
        self.terminal = None;
        self.view.training = Training::Runs;
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
            let Self { view, looks, pictures, .. } = self;
            match key {
                Key::Move(axis, direction) => {
                    view.place = view.place.moved(axis, direction, &view.n_heads, view.n_inputs);
                    looks.hurry(view.training);
                }
                Key::Pause if view.training == Training::Runs => view.training = Training::Held,
                Key::Pause => view.training = Training::Runs,
                Key::Help => view.has_help = !view.has_help,
                Key::Save => {
                    next = Next::Save;
                    self.is_asked_to_save = true;
                }
                Key::Stop => {
                    // Nothing that was typed after it holds the training again.
                    view.training = Training::Runs;
                    return Next::Stop;
                }
            }
            pictures.hurry(view.training);
        }
        next
    }

    /// Holds the training while it is paused, until somebody wants something of it.
    fn hold<M: Model + Module>(&mut self, state: &State<M>) -> Next {
        let began = Instant::now();
        let mut next = Next::Continue;
        self.pictures.hurry(self.view.training);
        // What is on the screen is what is held.
        if self.view.training == Training::Held {
            self.looks.hurry(Training::Held);
        }
        while self.view.training == Training::Held
            && next == Next::Continue
            && self.interrupt.exit_code().is_none()
        {
            self.draw(state);
            std::thread::sleep(LISTENING);
            next = self.obey();
        }
        let held = began.elapsed();
        self.clock.held += held;
        self.looks.wait(held);
        self.pictures.wait(held);
        next
    }

    /// Says that the step is saved, if somebody asked for that.
    fn tell_of_the_save(&mut self, step: u64) {
        if std::mem::take(&mut self.is_asked_to_save) {
            self.view.message = format!("saved step {step}");
            self.told = Instant::now();
            self.pictures.hurry(self.view.training);
        }
    }

    /// What a signal asks for, or else `next`.
    fn unless_interrupted(&mut self, next: Next) -> Next {
        if self.interrupt.exit_code().is_none() {
            return next;
        }
        // What follows is said on the screen that stays.
        self.leave();
        Next::Stop
    }
}

impl<M: Model + Module> Observer<M> for Live<'_> {
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
        self.show();
        self.pictures.hurry(Training::Runs);
        Ok(())
    }

    fn step(&mut self, state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        let step = report.step;
        self.view.loss.push(step, report.loss);
        self.rate.push(report.tokens_per_second);
        let seconds_left = self.clock.seconds_left(step, self.view.pace.last_step);
        self.view.pace = Pace { step, report: Some(*report), seconds_left, ..self.view.pace };
        let mut next = Next::Continue;
        if self.listened.elapsed() >= LISTENING {
            next = self.obey();
        }
        if next == Next::Continue && self.view.training == Training::Held {
            next = self.hold(state);
        }
        self.draw(state);
        Ok(self.unless_interrupted(next))
    }

    fn saved(&mut self, state: &State<M>) -> Result<Next, TrainError> {
        self.tell_of_the_save(state.step);
        // A run that is saved while it is held stays where it is, and is where it would be saved again.
        let mut next = Next::Save;
        while next == Next::Save && self.view.training == Training::Held {
            next = self.hold(state);
            self.tell_of_the_save(state.step);
        }
        Ok(self.unless_interrupted(next))
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
