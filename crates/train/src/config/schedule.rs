//! Which schedule changes the learning rate, and its settings.

use std::fmt::{self, Formatter};

use qkv_model::{Choice, Settings};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::training::Cosine;

/// The schedule of a config that names none.
pub(crate) const COSINE: &str = "cosine";

/// The schedule that had a setting `final_factor` in earlier versions.
pub(crate) const CONSTANT: &str = "constant";

/// The key of a table `[schedule]` under which its name stands.
pub(crate) const KIND: &str = "kind";

/// The `[schedule]` table of a config file: the name under `kind`, and beside it the settings of the schedule of that
/// name. `cosine` where it is left out.
///
/// ```
/// use qkv_train::{Linear, ScheduleConfig};
///
/// let config = ScheduleConfig::new("linear", &Linear { warmup_steps: 10, ..Linear::default() });
/// assert_eq!(config.shape.settings["warmup_steps"], 10);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleConfig {
    /// Which schedule, by a name in the [`Registry`](crate::Registry), and its settings.
    pub shape: Choice,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self::new(COSINE, &Cosine::default())
    }
}

impl ScheduleConfig {
    /// The schedule of this name with these settings.
    pub fn new(name: &str, settings: &impl Settings) -> Self {
        Self { shape: Choice::new(name).with_settings(settings) }
    }
}

impl Serialize for ScheduleConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Choice { name, settings } = &self.shape;
        let mut table = serializer.serialize_map(Some(1 + settings.len()))?;
        table.serialize_entry(KIND, name)?;
        for (key, value) in settings {
            table.serialize_entry(key, value)?;
        }
        table.end()
    }
}

impl<'de> Deserialize<'de> for ScheduleConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = ScheduleConfig;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a table with `kind` and the settings of a schedule")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<ScheduleConfig, A::Error> {
        let (mut name, mut settings) = (None, Map::new());
        while let Some(key) = table.next_key::<String>()? {
            match key.as_str() {
                KIND if name.is_some() => return Err(A::Error::duplicate_field(KIND)),
                KIND => name = Some(table.next_value()?),
                _ => drop(settings.insert(key, table.next_value::<Value>()?)),
            }
        }
        Ok(ScheduleConfig { shape: Choice { name: name.unwrap_or_else(|| COSINE.to_owned()), settings } })
    }
}
