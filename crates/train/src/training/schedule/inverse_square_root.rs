//! The rate of the paper of the transformer.

use serde::{Deserialize, Serialize};

use super::Schedule;
use super::warmup::{WARMUP_STEPS, rise};
use crate::error::TrainError;

/// `inverse-square-root`: after the warm-up, down with the square root of the step, whatever the length of the run
/// ([Vaswani et al. 2017, section 5.3](https://arxiv.org/abs/1706.03762)).
///
/// ```text
/// step < warmup_steps     factor = (step + 1) / warmup_steps
/// otherwise               factor = sqrt(warmup_steps / (step + 1))
/// ```
///
/// The paper's rate is `d_model^-0.5 · min(n^-0.5, n · warmup_steps^-1.5)` at its step `n = step + 1`: this factor at
/// an `optimizer.lr` of `(d_model · warmup_steps)^-0.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InverseSquareRoot {
    /// Steps in which the rate rises from near zero; 0 falls from the first step on, as 1 does; 50.
    pub warmup_steps: u64,
}

impl Default for InverseSquareRoot {
    fn default() -> Self {
        Self { warmup_steps: WARMUP_STEPS }
    }
}

impl InverseSquareRoot {
    /// The schedule of these settings, all of which are possible.
    ///
    /// # Errors
    /// Never.
    pub fn build(&self) -> Result<Self, TrainError> {
        Ok(*self)
    }
}

impl Schedule for InverseSquareRoot {
    fn factor(&self, step: u64, _steps: u64) -> f64 {
        rise(step, self.warmup_steps)
            .unwrap_or_else(|| (self.warmup_steps.max(1) as f64 / (step + 1) as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_square_is_half_of_the_rate() {
        let schedule = InverseSquareRoot { warmup_steps: 4 };
        let factors = [0, 1, 3, 15, 63].map(|step| schedule.factor(step, 20));
        assert_eq!(factors, [0.25, 0.5, 1.0, 0.5, 0.25]);
        assert_eq!([0, 3].map(|step| InverseSquareRoot { warmup_steps: 0 }.factor(step, 20)), [1.0, 0.5]);
    }

    #[test]
    fn at_the_rate_that_is_named_it_is_that_of_the_paper() {
        let (d_model, warmup_steps) = (512.0_f64, 4000_u64);
        let lr = (d_model * warmup_steps as f64).powf(-0.5);
        for step in [0, 99, 3999, 4000, 100_000] {
            let (n, warmup) = ((step + 1) as f64, warmup_steps as f64);
            let of_paper = d_model.powf(-0.5) * n.powf(-0.5).min(n * warmup.powf(-1.5));
            let ours = lr * InverseSquareRoot { warmup_steps }.factor(step, 0);
            // A few roundings of powers.
            assert!((ours / of_paper - 1.0).abs() < 1e-14, "{step}: {ours} and {of_paper}");
        }
    }
}
