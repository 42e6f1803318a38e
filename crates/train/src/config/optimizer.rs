//! Which optimizer updates the weights, its settings, and what all optimizers have in common.

use std::fmt::{self, Formatter};

use qkv_model::{Choice, Settings};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::TrainError;
use crate::training::AdamW;

/// The optimizer of a config that names none.
pub(crate) const ADAM_W: &str = "adam-w";

/// The keys of a table `[optimizer]` that are not settings of the one that it names.
pub(crate) const COMMON_SETTINGS: [&str; 2] = ["lr", "clip"];

/// The `[optimizer]` table of a config file: `name`, `lr` and `clip`, and beside them the settings of the optimizer of
/// that name. `adam-w` where the name is left out.
///
/// ```
/// use qkv_train::{AdamW, OptimizerConfig};
///
/// let config = OptimizerConfig::new("adam-w", &AdamW { beta_1: 0.8, ..AdamW::default() });
/// assert_eq!((config.lr, config.clip), (5e-3, 1.0));
/// assert_eq!(config.rule.settings["beta_1"], 0.8);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerConfig {
    /// Learning rate at the top of the schedule.
    pub lr: f64,
    /// Largest norm of all gradients together; 0 turns clipping off.
    pub clip: f64,
    /// Which optimizer, by a name in the [`Registry`](crate::Registry), and its settings.
    pub rule: Choice,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::new(ADAM_W, &AdamW::default())
    }
}

impl OptimizerConfig {
    /// The optimizer of this name with these settings, at a rate of 5e-3 after clipping to a norm of 1.
    pub fn new(name: &str, settings: &impl Settings) -> Self {
        Self { lr: 5e-3, clip: 1.0, rule: Choice::new(name).with_settings(settings) }
    }

    pub(super) fn check(&self) -> Result<(), TrainError> {
        TrainError::check_number("optimizer.lr", self.lr, "above 0", self.lr > 0.0)?;
        TrainError::check_number("optimizer.clip", self.clip, "at least 0", self.clip >= 0.0)
    }
}

impl Serialize for OptimizerConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { lr, clip, rule: Choice { name, settings } } = self;
        let mut table = serializer.serialize_map(Some(3 + settings.len()))?;
        table.serialize_entry("name", name)?;
        table.serialize_entry("lr", lr)?;
        table.serialize_entry("clip", clip)?;
        for (key, value) in settings {
            table.serialize_entry(key, value)?;
        }
        table.end()
    }
}

impl<'de> Deserialize<'de> for OptimizerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = OptimizerConfig;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a table with `lr`, `clip` and the settings of an optimizer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<OptimizerConfig, A::Error> {
        let (mut name, mut lr, mut clip, mut settings) = (None, None, None, Map::new());
        while let Some(key) = table.next_key::<String>()? {
            match key.as_str() {
                "name" => name = Some(table.next_value()?),
                // As numbers of their own: a JSON value has none that is not finite.
                "lr" => lr = Some(table.next_value()?),
                "clip" => clip = Some(table.next_value()?),
                _ => drop(settings.insert(key, table.next_value::<Value>()?)),
            }
        }
        Ok(OptimizerConfig {
            lr: lr.ok_or_else(|| A::Error::missing_field("lr"))?,
            clip: clip.ok_or_else(|| A::Error::missing_field("clip"))?,
            rule: Choice { name: name.unwrap_or_else(|| ADAM_W.to_owned()), settings },
        })
    }
}
