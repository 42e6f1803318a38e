//! How far and how fast a run is: steps, rate and time left.

use std::time::{Duration, Instant};

use qkv_train::StepReport;

/// What the view shows of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pace {
    /// Completed steps, and the step after which the run ends.
    pub step: u64,
    pub last_step: u64,
    /// The latest step; `None` before the first.
    pub report: Option<StepReport>,
    /// Over the latest steps; `None` before the first.
    pub tokens_per_second: Option<f64>,
    /// `None` before the first step.
    pub seconds_left: Option<f64>,
}

/// The training time so far, from which the time left is estimated.
pub struct Clock {
    started: Instant,
    first_step: u64,
    /// Time in which the training was held.
    pub held: Duration,
}

impl Clock {
    /// Starts at `first_step`.
    pub fn at(first_step: u64) -> Self {
        Self { started: Instant::now(), first_step, held: Duration::ZERO }
    }

    /// Seconds from `step` to `last_step`; `None` before the first step.
    pub fn seconds_left(&self, step: u64, last_step: u64) -> Option<f64> {
        let done = step.saturating_sub(self.first_step);
        let trained = self.started.elapsed().saturating_sub(self.held).as_secs_f64();
        (done > 0).then(|| trained / done as f64 * last_step.saturating_sub(step) as f64)
    }
}
