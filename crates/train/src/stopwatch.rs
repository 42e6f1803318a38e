//! The one clock of a training: how long its parts take, for the log and the progress. No number that a run learns from
//! depends on it, and none but this file asks for the time.

#[cfg(not(target_family = "wasm"))]
use std::time::Instant;

/// Runs from where it was started. A WebAssembly module has no clock of its own, and there every time is zero.
pub(crate) struct Stopwatch {
    #[cfg(not(target_family = "wasm"))]
    started: Instant,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self {
            #[cfg(not(target_family = "wasm"))]
            started: Instant::now(),
        }
    }

    pub fn seconds(&self) -> f64 {
        #[cfg(not(target_family = "wasm"))]
        return self.started.elapsed().as_secs_f64();
        #[cfg(target_family = "wasm")]
        return 0.0;
    }
}
