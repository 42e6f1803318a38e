//! Everything that determines a run, in one file that repeats it.
//!
//! Here belongs plain data and its limits. How a name becomes a task or a model lies in `registry/`.

mod loss;
mod optimizer;
mod parent;
mod schedule;
mod train;

pub(crate) use loss::CROSS_ENTROPY;
use loss::cross_entropy;
pub use optimizer::OptimizerConfig;
pub(crate) use optimizer::{ADAM_W, COMMON_SETTINGS};
pub use parent::{Parent, Taken};
pub use schedule::ScheduleConfig;
pub(crate) use schedule::{CONSTANT, COSINE, KIND};
pub use train::TrainConfig;
pub(crate) use train::{ACCURACY, SEQUENCE_ACCURACY};

use qkv_model::Choice;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::error::TrainError;

/// What a run is made of. Read by [`Registry::read`](crate::Registry::read), written beside the weights with every
/// value filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Decides every random number: initial weights, examples, dropout. At most 2^63 - 1, the largest TOML integer.
    pub seed: u64,
    /// What is learned, by a name in the [`Registry`](crate::Registry).
    pub task: Choice,
    /// What learns it, by a name in the [`Registry`](crate::Registry).
    pub model: Choice,
    /// What is minimised, by a name in the [`Registry`](crate::Registry); `cross-entropy` where it is left out.
    #[serde(default = "cross_entropy")]
    pub loss: Choice,
    /// How weights are updated.
    pub optimizer: OptimizerConfig,
    /// How the learning rate changes over the steps.
    pub schedule: ScheduleConfig,
    /// How long, how much at once, and what happens on the way.
    pub train: TrainConfig,
    /// Where the weights came from that the run began with; `None` for those that `seed` decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
}

/// The part of a [`Config`] that is left when the model and the task are your own. By default what `reverse` is trained
/// with: 500 steps of AdamW at 5e-3 with 50 steps of warm-up and a cosine decay to zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recipe {
    /// See [`Config::seed`].
    pub seed: u64,
    /// See [`Config::loss`].
    pub loss: Choice,
    /// See [`OptimizerConfig`].
    pub optimizer: OptimizerConfig,
    /// See [`ScheduleConfig`].
    pub schedule: ScheduleConfig,
    /// See [`TrainConfig`].
    pub train: TrainConfig,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            seed: 0,
            loss: cross_entropy(),
            optimizer: OptimizerConfig::default(),
            schedule: ScheduleConfig::default(),
            train: TrainConfig::default(),
        }
    }
}

impl Recipe {
    /// Checks the numbers that all parts have in common; the settings of a part are checked where it is built.
    ///
    /// # Errors
    /// If a number is out of range.
    pub fn check(&self) -> Result<(), TrainError> {
        let fits = i64::try_from(self.seed).is_ok();
        TrainError::in_range(fits, "seed", format!("at most {}", i64::MAX), self.seed)?;
        self.optimizer.check()?;
        self.train.check()
    }
}

impl Config {
    /// The training recipe alone.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            seed: self.seed,
            loss: self.loss.clone(),
            optimizer: self.optimizer.clone(),
            schedule: self.schedule.clone(),
            train: self.train.clone(),
        }
    }

    /// The run as a config file.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a config is a TOML table of numbers and names")
    }

    /// The same values as a table.
    pub(crate) fn to_table(&self) -> Table {
        Table::try_from(self).expect("a config is a TOML table of numbers and names")
    }
}
