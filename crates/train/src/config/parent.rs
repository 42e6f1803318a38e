//! What a run took over from another when it began.

use std::fmt::{self, Display, Formatter};

use qkv_run::RunFolder;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::error::TrainError;

/// The `[parent]` table of a `config.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// The folder of the run, or a file of weights; as an absolute path.
    pub path: String,
    /// The run's step; a file has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// SHA-256 of the file of weights, in hexadecimal digits.
    pub weights: String,
    /// What was taken over.
    pub taken: Taken,
}

/// What a run takes over from its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taken {
    /// Weights, optimizer state and step: the run goes on from there.
    State,
    /// Weights alone: the run begins at step 0.
    Weights,
}

impl Parent {
    /// That of a run, as its `config.toml` has it.
    ///
    /// # Errors
    /// If the file cannot be read, or the table is something else.
    pub fn of(run: &RunFolder) -> Result<Option<Self>, TrainError> {
        Self::take(&mut run.config()?.parse().unwrap_or_default())
    }

    /// Removes the table from a config.
    pub(crate) fn take(config: &mut Table) -> Result<Option<Self>, TrainError> {
        let parent = config.remove("parent").map(Value::try_into).transpose();
        parent.map_err(|_: toml::de::Error| {
            let what = "[parent] must have `path`, `weights` and `taken`, and may have `step`; put back what the run \
                        was begun with";
            TrainError::Config(what.to_owned())
        })
    }
}

impl Display for Parent {
    /// "the state of runs/reverse-1 at step 500 (weights 7a10c3f02d4e)", with the first digits of the hash.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let what = match self.taken {
            Taken::State => "state",
            Taken::Weights => "weights",
        };
        write!(f, "the {what} of {}", self.path)?;
        if let Some(step) = self.step {
            write!(f, " at step {step}")?;
        }
        let digits = self.weights.get(..12).unwrap_or(&self.weights);
        write!(f, " (weights {digits})")
    }
}
