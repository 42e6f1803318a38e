//! The whole rate for most of a run, and a short way down at its end.

use serde::{Deserialize, Serialize};

use super::Schedule;
use super::warmup::{WARMUP_STEPS, check_share, down_to, progress, rise};
use crate::error::TrainError;

/// `warmup-stable-decay`: the whole rate until the last share of the run, then down along a straight line ([Hu et al.
/// 2024, section 4](https://arxiv.org/abs/2404.06395), with the straight line of [Hägele et al.
/// 2024](https://arxiv.org/abs/2405.18392) for the decay).
///
/// ```text
/// step < warmup_steps     factor = (step + 1) / warmup_steps
/// otherwise               start = steps - decay_share · steps, rounded, at least warmup_steps
///                         p = (step - start) / (steps - start), between 0 and 1
///                         factor = final_factor + (1 - final_factor) (1 - p)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WarmupStableDecay {
    /// Steps in which the rate rises from near zero; 50.
    pub warmup_steps: u64,
    /// Share of the steps in which it falls, in `[0, 1]`; 0.1.
    pub decay_share: f64,
    /// Share of the rate that is left at the end, in `[0, 1]`; 0.
    pub final_factor: f64,
}

impl Default for WarmupStableDecay {
    fn default() -> Self {
        Self { warmup_steps: WARMUP_STEPS, decay_share: 0.1, final_factor: 0.0 }
    }
}

impl WarmupStableDecay {
    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn build(&self) -> Result<Self, TrainError> {
        check_share("schedule.decay_share", self.decay_share)?;
        check_share("schedule.final_factor", self.final_factor)?;
        Ok(*self)
    }
}

impl Schedule for WarmupStableDecay {
    fn factor(&self, step: u64, steps: u64) -> f64 {
        rise(step, self.warmup_steps).unwrap_or_else(|| {
            let decay_steps = (self.decay_share * steps as f64).round() as u64;
            let start = steps.saturating_sub(decay_steps).max(self.warmup_steps);
            // Without any decay the run ends before it would begin.
            down_to(self.final_factor, 1.0 - progress(step, start, steps))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_whole_until_the_last_share() {
        let schedule = WarmupStableDecay { warmup_steps: 4, decay_share: 0.2, final_factor: 0.5 };
        let factors = [0, 3, 4, 79, 80, 90, 100, 200].map(|step| schedule.factor(step, 100));
        assert_eq!(factors, [0.25, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.5]);
    }

    #[test]
    fn shares_that_leave_nothing_for_a_part_leave_it_out() {
        let never = WarmupStableDecay { warmup_steps: 0, decay_share: 0.0, final_factor: 0.0 };
        assert_eq!([0, 50, 99].map(|step| never.factor(step, 100)), [1.0; 3]);
        let always = WarmupStableDecay { warmup_steps: 20, decay_share: 1.0, final_factor: 0.0 };
        assert_eq!([9, 20, 60].map(|step| always.factor(step, 100)), [0.5, 1.0, 0.5]);
    }
}
