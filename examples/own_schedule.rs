//! The whole command line with a schedule of your own in it: a run of it stops, goes on and is shown like any other.
//!
//! ```text
//! cargo run --release --example own_schedule -- train reverse --set schedule=staircase --stop-after 200 --out runs/s
//! cargo run --release --example own_schedule -- train runs/s --resume
//! cargo run --release --example own_schedule -- eval runs/s
//! ```
//!
//! `--set schedule.period=50` sets what it has to set; the rate that it multiplies is `optimizer.lr`.

use std::process::ExitCode;

use qkv::Registry;
use qkv::train::{Schedule, TrainError};
use serde::{Deserialize, Serialize};

fn main() -> ExitCode {
    qkv::run(Registry::new().schedule("staircase", Staircase::build))
}

/// A smaller rate after every `period` steps: `factor = share^floor(step / period)`.
///
/// It is its own settings, too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Staircase {
    period: u64,
    share: f64,
}

impl Default for Staircase {
    fn default() -> Self {
        Self { period: 100, share: 0.5 }
    }
}

impl Staircase {
    fn build(&self) -> Result<Self, TrainError> {
        TrainError::check_number("schedule.period", self.period, "at least 1", self.period >= 1)?;
        let fits = (0.0..=1.0).contains(&self.share);
        TrainError::check_number("schedule.share", self.share, "between 0 and 1", fits)?;
        Ok(self.clone())
    }
}

impl Schedule for Staircase {
    fn factor(&self, step: u64, _steps: u64) -> f64 {
        self.share.powf((step / self.period) as f64)
    }
}
