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

/// How far a run goes.
#[derive(Debug, Clone, Copy)]
pub struct Length {
    /// Of the whole run.
    pub steps: u64,
    /// The step at which it is left before, or where it begins if that is later.
    pub stop_after: Option<u64>,
}

impl Length {
    /// The step after which a run that begins at `first_step` ends.
    pub fn last_step(self, first_step: u64) -> u64 {
        self.stop_after.map_or(self.steps, |step| step.max(first_step).min(self.steps))
    }
}

/// The training time so far, from which the time left is estimated.
pub struct Clock {
    started: Instant,
    pub first_step: u64,
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
        Some(self.seconds_a_step(step)? * last_step.saturating_sub(step) as f64)
    }

    /// Seconds from the first step to `last_step`, of which `step` is made; `None` before the first step.
    pub fn seconds_in_all(&self, step: u64, last_step: u64) -> Option<f64> {
        Some(self.seconds_a_step(step)? * last_step.saturating_sub(self.first_step) as f64)
    }

    fn seconds_a_step(&self, step: u64) -> Option<f64> {
        let done = step.saturating_sub(self.first_step);
        let trained = self.started.elapsed().saturating_sub(self.held).as_secs_f64();
        (done > 0).then(|| trained / done as f64)
    }
}
