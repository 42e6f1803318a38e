//! The rate along a straight line.

use serde::{Deserialize, Serialize};

use super::Schedule;
use super::warmup::{WARMUP_STEPS, check_share, down_to, progress, rise};
use crate::error::TrainError;

/// `linear`: after the warm-up, down along a straight line.
///
/// ```text
/// step < warmup_steps     factor = (step + 1) / warmup_steps
/// otherwise               p = (step - warmup_steps) / (steps - warmup_steps), at most 1
///                         factor = final_factor + (1 - final_factor) (1 - p)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Linear {
    /// Steps in which the rate rises from near zero; 50.
    pub warmup_steps: u64,
    /// Share of the rate that is left at the end, in `[0, 1]`; 0.
    pub final_factor: f64,
}

impl Default for Linear {
    fn default() -> Self {
        Self { warmup_steps: WARMUP_STEPS, final_factor: 0.0 }
    }
}

impl Linear {
    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn build(&self) -> Result<Self, TrainError> {
        check_share("schedule.final_factor", self.final_factor)?;
        Ok(*self)
    }
}

impl Schedule for Linear {
    fn factor(&self, step: u64, steps: u64) -> f64 {
        rise(step, self.warmup_steps).unwrap_or_else(|| {
            let p = progress(step, self.warmup_steps, steps);
            down_to(self.final_factor, 1.0 - p)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_way_down_is_in_the_middle() {
        let schedule = Linear { warmup_steps: 10, final_factor: 0.5 };
        assert_eq!(schedule.factor(4, 110), 0.5);
        assert_eq!(schedule.factor(60, 110), 0.75);
        assert_eq!([110, 1000].map(|step| schedule.factor(step, 110)), [0.5, 0.5]);
    }
}
