//! Slow motion: how long a step lasts, so that a person can follow a training of any length.

use std::time::Duration;

/// What the whole training lasts at least: a short demonstration.
const WHOLE: f64 = 30.0;

/// How long step `step` of `last_step` lasts at least. A model changes most in its first steps, so the time goes with
/// the square root of the step: a quarter of the steps takes half of it.
pub fn duration(step: u64, last_step: u64) -> Duration {
    between(step.saturating_sub(1), step, last_step)
}

/// How long the steps after `step` last at least.
pub fn left(step: u64, last_step: u64) -> Duration {
    between(step, last_step, last_step)
}

fn between(from: u64, to: u64, last_step: u64) -> Duration {
    let until = |step: u64| (step.min(last_step) as f64 / last_step.max(1) as f64).sqrt();
    Duration::from_secs_f64(WHOLE * (until(to) - until(from)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_steps_together_last_the_whole_time_and_a_quarter_of_them_half_of_it() {
        let seconds = |steps: std::ops::RangeInclusive<u64>| -> f64 {
            steps.map(|step| duration(step, 500).as_secs_f64()).sum()
        };
        assert!((seconds(1..=500) - WHOLE).abs() < 1e-3);
        assert!((seconds(1..=125) - WHOLE / 2.0).abs() < 1e-3);
        assert!((left(125, 500).as_secs_f64() - WHOLE / 2.0).abs() < 1e-3);
        assert!(duration(1, 500) > Duration::from_secs(1));
        assert_eq!(
            (duration(7, 0), duration(9, 8), left(8, 8)),
            (Duration::ZERO, Duration::ZERO, Duration::ZERO)
        );
    }
}
