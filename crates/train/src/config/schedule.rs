//! The learning rate as a pure function of the step.

use qkv_model::one_of;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// How the rate falls after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// Not at all.
    Constant,
    /// Along a straight line.
    Linear,
    /// Along half a cosine ([Loshchilov and Hutter 2017](https://arxiv.org/abs/1608.03983), without restarts).
    Cosine,
}

/// Warm-up and decay.
///
/// ```text
/// step < warmup_steps     factor = (step + 1) / warmup_steps
/// otherwise               p = (step - warmup_steps) / (steps - warmup_steps), at most 1
///                         factor = final_factor + (1 - final_factor) · shape(p)
/// shape(p)                constant: 1      linear: 1 - p      cosine: (1 + cos πp) / 2
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// How the rate falls.
    #[serde(deserialize_with = "one_of")]
    pub kind: ScheduleKind,
    /// Steps in which the rate rises from near zero.
    pub warmup_steps: u64,
    /// Share of the rate that is left at the end, in `[0, 1]`.
    pub final_factor: f64,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self { kind: ScheduleKind::Cosine, warmup_steps: 50, final_factor: 0.0 }
    }
}

impl ScheduleConfig {
    /// What the learning rate is multiplied by at `step` of a run of `steps`.
    ///
    /// ```
    /// use qkv_train::{ScheduleConfig, ScheduleKind};
    ///
    /// let schedule = ScheduleConfig { kind: ScheduleKind::Linear, warmup_steps: 10, final_factor: 0.5 };
    /// assert_eq!(schedule.factor(4, 110), 0.5); // half of the warm-up
    /// assert_eq!(schedule.factor(60, 110), 0.75); // half of the way down to one half
    /// assert_eq!(schedule.factor(1000, 110), 0.5); // stays there
    /// ```
    pub fn factor(&self, step: u64, steps: u64) -> f64 {
        if step < self.warmup_steps {
            return (step + 1) as f64 / self.warmup_steps as f64;
        }
        let decay_steps = steps.saturating_sub(self.warmup_steps).max(1);
        let p = ((step - self.warmup_steps) as f64 / decay_steps as f64).min(1.0);
        let shape = match self.kind {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Linear => 1.0 - p,
            ScheduleKind::Cosine => (1.0 + (std::f64::consts::PI * p).cos()) / 2.0,
        };
        self.final_factor + (1.0 - self.final_factor) * shape
    }

    pub(super) fn check(&self) -> Result<(), TrainError> {
        let fits = (0.0..=1.0).contains(&self.final_factor);
        TrainError::check_number("schedule.final_factor", self.final_factor, "between 0 and 1", fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_stays_at_its_end() {
        let schedule = ScheduleConfig { kind: ScheduleKind::Cosine, warmup_steps: 0, final_factor: 0.1 };
        assert_eq!(schedule.factor(0, 100), 1.0);
        assert!((schedule.factor(50, 100) - 0.55).abs() < 1e-12);
        assert!((schedule.factor(100, 100) - 0.1).abs() < 1e-12);
        assert_eq!(schedule.factor(150, 100), schedule.factor(100, 100));
    }

    #[test]
    fn the_warm_up_ends_at_the_full_rate() {
        let schedule = ScheduleConfig { kind: ScheduleKind::Constant, warmup_steps: 50, final_factor: 0.0 };
        assert_eq!(schedule.factor(0, 500), 0.02);
        assert_eq!(schedule.factor(49, 500), 1.0);
        assert_eq!(schedule.factor(499, 500), 1.0);
    }

    #[test]
    fn a_run_shorter_than_its_warm_up_only_rises() {
        let schedule = ScheduleConfig { kind: ScheduleKind::Cosine, warmup_steps: 50, final_factor: 0.0 };
        assert_eq!(schedule.factor(9, 10), 0.2);
    }
}
