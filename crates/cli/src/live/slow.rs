//! Slow motion: how long a step lasts, so that a person can follow a training of any length.

use std::time::Duration;

/// A run that would be over before is over before it is seen.
pub const SHORT: Duration = Duration::from_secs(3);

/// What a short run lasts at least.
pub const VISIBLE: Duration = Duration::from_secs(5);

/// What the whole training lasts at least where its user asks for slow motion: a short demonstration.
const WHOLE: Duration = Duration::from_secs(30);

/// The steps that are stretched, and the time over which they are.
#[derive(Debug, Clone, Copy)]
pub struct Slow {
    first_step: u64,
    last_step: u64,
    time: Duration,
}

impl Slow {
    /// The whole training, of which a run that goes on makes the rest.
    pub fn whole(last_step: u64) -> Self {
        Self { first_step: 0, last_step, time: WHOLE }
    }

    /// The steps that a short run makes.
    pub fn short(first_step: u64, last_step: u64) -> Self {
        Self { first_step, last_step, time: VISIBLE }
    }

    /// How long a step lasts at least. A model changes most in its first steps, so the time goes with the square root of
    /// the step: a quarter of the steps takes half of it.
    pub fn duration(self, step: u64) -> Duration {
        self.between(step.saturating_sub(1), step)
    }

    /// How long the steps after `step` last at least.
    pub fn left(self, step: u64) -> Duration {
        self.between(step, self.last_step)
    }

    fn between(self, from: u64, to: u64) -> Duration {
        let n_steps = self.last_step.saturating_sub(self.first_step);
        let share = |step: u64| {
            let n_done = step.saturating_sub(self.first_step).min(n_steps);
            (n_done as f64 / n_steps.max(1) as f64).sqrt()
        };
        self.time.mul_f64((share(to) - share(from)).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(slow: Slow, first_step: u64, last_step: u64, whole: f64) {
        let seconds = |steps: std::ops::RangeInclusive<u64>| -> f64 {
            steps.map(|step| slow.duration(step).as_secs_f64()).sum()
        };
        let quarter = first_step + (last_step - first_step) / 4;
        assert!((seconds(first_step + 1..=last_step) - whole).abs() < 1e-3);
        assert!((seconds(first_step + 1..=quarter) - whole / 2.0).abs() < 1e-3);
        assert!((slow.left(quarter).as_secs_f64() - whole / 2.0).abs() < 1e-3);
    }

    #[test]
    fn all_steps_together_last_the_whole_time_and_a_quarter_of_them_half_of_it() {
        check(Slow::whole(500), 0, 500, 30.0);
        check(Slow::short(100, 500), 100, 500, 5.0);
        assert!(Slow::whole(500).duration(1) > Duration::from_secs(1));
        let nothing = [Slow::whole(0).duration(7), Slow::whole(8).duration(9), Slow::whole(8).left(8)];
        assert_eq!(nothing, [Duration::ZERO; 3]);
    }
}
