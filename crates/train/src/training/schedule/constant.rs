//! The rate of the config, after the rise.

use serde::{Deserialize, Serialize};

use super::Schedule;
use super::warmup::{WARMUP_STEPS, rise};
use crate::error::TrainError;

/// `constant`: the whole rate from the end of the warm-up on.
///
/// ```text
/// step < warmup_steps     factor = (step + 1) / warmup_steps
/// otherwise               factor = 1
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Constant {
    /// Steps in which the rate rises from near zero; 50.
    pub warmup_steps: u64,
}

impl Default for Constant {
    fn default() -> Self {
        Self { warmup_steps: WARMUP_STEPS }
    }
}

impl Constant {
    /// The schedule of these settings, all of which are possible.
    ///
    /// # Errors
    /// Never.
    pub fn build(&self) -> Result<Self, TrainError> {
        Ok(*self)
    }
}

impl Schedule for Constant {
    fn factor(&self, step: u64, _steps: u64) -> f64 {
        rise(step, self.warmup_steps).unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warmup_ends_at_the_full_rate() {
        let schedule = Constant { warmup_steps: 50 };
        assert_eq!([0, 49, 50, 499].map(|step| schedule.factor(step, 500)), [0.02, 1.0, 1.0, 1.0]);
    }
}
