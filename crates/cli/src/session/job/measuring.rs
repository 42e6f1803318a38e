//! How far the final figures of a training are, for its user.

use std::ops::ControlFlow;

use qkv_train::{AnyModel, EvaluationProgress, State};

use crate::live::Live;
use crate::output::training::progress::FigureBar;
use crate::session::interrupt::Interrupt;

/// Shows it in the live view as long as that has the screen, and otherwise as a bar; hears a signal meanwhile.
pub struct Measuring<'m, 'a> {
    pub live: Option<&'m mut Live<'a>>,
    /// The trained model, which the view shows.
    pub state: &'m State<AnyModel>,
    pub has_bars: bool,
    pub interrupt: &'m Interrupt,
}

impl Measuring<'_, '_> {
    /// Shows a figure that is made of `what`, such as "test examples"; `Break` after a signal.
    pub fn of(&mut self, what: &str) -> impl FnMut(EvaluationProgress) -> ControlFlow<()> {
        let Self { live, state, has_bars, interrupt } = self;
        let (state, has_bars, interrupt) = (*state, *has_bars, *interrupt);
        // Only once it has a screen to stand on.
        let mut bar = None;
        move |progress| {
            match live.as_deref_mut().filter(|live| live.is_shown()) {
                Some(live) => live.measure(state, what, progress),
                None if has_bars => bar.get_or_insert_with(|| FigureBar::new(what)).show(progress),
                None => {}
            }
            interrupt.go_on()
        }
    }
}
