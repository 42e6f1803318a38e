//! Ctrl-C and `kill`: the run saves and leaves; a second one does not wait.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use qkv_train::{Next, Observer, State, StepReport, TrainError};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Watches for signals and asks the trainer to stop; a clone knows of the same ones.
#[derive(Clone)]
pub struct Interrupt {
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Starts watching.
    pub fn watch() -> io::Result<Self> {
        let signal = Arc::new(AtomicUsize::new(0));
        let second = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
            // In this order: the first signal finds `second` unset and only sets it.
            flag::register_conditional_default(number, Arc::clone(&second))?;
            flag::register(number, Arc::clone(&second))?;
            flag::register_usize(number, Arc::clone(&signal), number as usize)?;
        }
        Ok(Self { signal })
    }

    /// The exit code of a process that a signal stopped, 130 or 143, if one did.
    pub fn exit_code(&self) -> Option<u8> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            number => Some(128 + number as u8),
        }
    }
}

impl<M> Observer<M> for Interrupt {
    fn step(&mut self, _state: &State<M>, _report: &StepReport) -> Result<Next, TrainError> {
        Ok(if self.exit_code().is_some() { Next::Stop } else { Next::Continue })
    }
}
