//! Everything that determines a run, in one file that repeats it.

mod optimizer;
mod read;
mod schedule;
mod steps;

pub use optimizer::OptimizerConfig;
pub use read::{ConfigSource, task_names};
pub use schedule::{ScheduleConfig, ScheduleKind};
pub use steps::StepsConfig;

use qkv_model::TransformerConfig;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::task::TaskConfig;

/// What a run is made of. Read from TOML by [`ConfigSource::read`], written beside the weights with every value filled
/// in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Decides every random number: initial weights, examples, dropout. At most 2^63 - 1, the largest TOML integer.
    pub seed: u64,
    /// What is learned.
    pub task: TaskConfig,
    /// What learns it.
    pub model: TransformerConfig,
    /// How weights are updated.
    pub optimizer: OptimizerConfig,
    /// How the learning rate changes over the steps.
    pub schedule: ScheduleConfig,
    /// How long, how much at once, and what happens on the way.
    pub train: StepsConfig,
}

/// The part of a [`Config`] that is left when the model and the task are your own.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// See [`Config::seed`].
    pub seed: u64,
    /// See [`OptimizerConfig`].
    pub optimizer: OptimizerConfig,
    /// See [`ScheduleConfig`].
    pub schedule: ScheduleConfig,
    /// See [`StepsConfig`].
    pub train: StepsConfig,
}

impl Default for Recipe {
    /// 500 steps of AdamW at 5e-3 with 50 steps of warm-up and a cosine decay to zero: what `reverse` is trained with.
    fn default() -> Self {
        Self {
            seed: 0,
            optimizer: OptimizerConfig::default(),
            schedule: ScheduleConfig::default(),
            train: StepsConfig::default(),
        }
    }
}

impl Recipe {
    /// # Errors
    /// If a number is out of range.
    pub fn check(&self) -> Result<(), TrainError> {
        if i64::try_from(self.seed).is_err() {
            let expected = "at most 9223372036854775807".to_owned();
            return Err(TrainError::OutOfRange { key: "seed", expected, got: self.seed.to_string() });
        }
        self.optimizer.check()?;
        self.schedule.check()?;
        self.train.check()
    }
}

impl Config {
    /// The training recipe alone.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            seed: self.seed,
            optimizer: self.optimizer.clone(),
            schedule: self.schedule.clone(),
            train: self.train.clone(),
        }
    }

    /// The same run with every open value filled in and every value checked.
    ///
    /// # Errors
    /// If a number is out of range, or the model does not fit the task.
    pub fn resolve(mut self) -> Result<Self, TrainError> {
        let task = self.task.build()?;
        let needs = [
            ("vocab_size", &mut self.model.vocab_size, task.vocabulary().len()),
            ("seq_len", &mut self.model.seq_len, task.seq_len()),
        ];
        for (key, value, expected) in needs {
            if *value != 0 && *value != expected {
                let (task, got) = (task.name().to_owned(), *value);
                return Err(TrainError::DoesNotFitTask { key, task, expected, got });
            }
            *value = expected;
        }
        self.model = self.model.resolve()?;
        self.recipe().check()?;
        self.check_maps()?;
        Ok(self)
    }

    /// Whether a training step's attention maps, `batch · heads · T²` entries a layer, can be held at all.
    fn check_maps(&self) -> Result<(), TrainError> {
        let per_example = self.model.n_heads.saturating_mul(self.model.seq_len.pow(2));
        let most = (MAX_MAP_ENTRIES / per_example).max(1);
        if self.train.batch_size <= most {
            return Ok(());
        }
        let expected = format!("at most {most} for attention maps of this size");
        Err(TrainError::OutOfRange {
            key: "train.batch_size",
            expected,
            got: self.train.batch_size.to_string(),
        })
    }

    /// The run as a config file.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a config is a TOML table of numbers and names")
    }
}

/// A gigabyte of entries, four of memory, for one layer's maps; a step keeps several.
const MAX_MAP_ENTRIES: usize = 1 << 30;

/// Checks that `value` lies where `fits` says; `expected` says it in words.
fn check(key: &'static str, value: f64, expected: &str, fits: bool) -> Result<(), TrainError> {
    if fits && value.is_finite() {
        return Ok(());
    }
    let finite = if value.is_finite() { "" } else { " and finite" };
    Err(TrainError::OutOfRange { key, expected: format!("{expected}{finite}"), got: value.to_string() })
}
