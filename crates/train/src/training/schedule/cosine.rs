//! The rate along half a cosine.

use serde::{Deserialize, Serialize};

use super::Schedule;
use super::warmup::{WARMUP_STEPS, check_share, down_to, progress, rise};
use crate::error::TrainError;

/// `cosine`: after the warm-up, down along half a cosine ([Loshchilov and Hutter
/// 2017](https://arxiv.org/abs/1608.03983), without restarts).
///
/// ```text
/// step < warmup_steps     factor = (step + 1) / warmup_steps
/// otherwise               p = (step - warmup_steps) / (steps - warmup_steps), at most 1
///                         factor = final_factor + (1 - final_factor) (1 + cos πp) / 2
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cosine {
    /// Steps in which the rate rises from near zero; 50.
    pub warmup_steps: u64,
    /// Share of the rate that is left at the end, in `[0, 1]`; 0.
    pub final_factor: f64,
}

impl Default for Cosine {
    fn default() -> Self {
        Self { warmup_steps: WARMUP_STEPS, final_factor: 0.0 }
    }
}

impl Cosine {
    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn build(&self) -> Result<Self, TrainError> {
        check_share("schedule.final_factor", self.final_factor)?;
        Ok(*self)
    }
}

impl Schedule for Cosine {
    fn factor(&self, step: u64, steps: u64) -> f64 {
        rise(step, self.warmup_steps).unwrap_or_else(|| {
            let p = progress(step, self.warmup_steps, steps);
            down_to(self.final_factor, (1.0 + (std::f64::consts::PI * p).cos()) / 2.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_at_its_end() {
        let schedule = Cosine { warmup_steps: 0, final_factor: 0.1 };
        assert_eq!(schedule.factor(0, 100), 1.0);
        assert!((schedule.factor(50, 100) - 0.55).abs() < 1e-12);
        assert!((schedule.factor(100, 100) - 0.1).abs() < 1e-12);
        assert_eq!(schedule.factor(150, 100), schedule.factor(100, 100));
    }

    #[test]
    fn a_run_shorter_than_its_warmup_only_rises() {
        assert_eq!(Cosine::default().factor(9, 10), 0.2);
    }
}
