//! What the built-in schedules have in common: the rise at the start, and the way down to a share that is left.

use crate::error::TrainError;

/// Steps of the rise, unless a config has another number.
pub(super) const WARMUP_STEPS: u64 = 50;

/// The factor of a step of the rise; `None` after it.
///
/// ```text
/// step < warmup_steps     factor = (step + 1) / warmup_steps
/// ```
pub(super) fn rise(step: u64, warmup_steps: u64) -> Option<f64> {
    (step < warmup_steps).then(|| (step + 1) as f64 / warmup_steps as f64)
}

/// How much of the way from step `from` to the end of the run is done, in `[0, 1]`.
pub(super) fn progress(step: u64, from: u64, steps: u64) -> f64 {
    let n = steps.saturating_sub(from).max(1);
    (step.saturating_sub(from) as f64 / n as f64).min(1.0)
}

/// `final_factor + (1 - final_factor) · shape`.
pub(super) fn down_to(final_factor: f64, shape: f64) -> f64 {
    final_factor + (1.0 - final_factor) * shape
}

/// A share of the rate or of the run.
pub(super) fn check_share(key: &'static str, share: f64) -> Result<(), TrainError> {
    TrainError::check_number(key, share, "between 0 and 1", (0.0..=1.0).contains(&share))
}
