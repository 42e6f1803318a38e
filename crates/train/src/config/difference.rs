//! Whether two configs are the same, so that a run is never continued as another one.

use std::collections::BTreeMap;

use qkv_run::RunFolder;

use super::Config;
use crate::error::TrainError;

impl Config {
    /// Checks that `run` was started with this config.
    ///
    /// # Errors
    /// If it was not; the message has the first value that differs.
    pub fn check_same_as(&self, run: &RunFolder) -> Result<(), TrainError> {
        match difference(&run.config()?, &self.to_toml()) {
            None => Ok(()),
            Some(difference) => Err(TrainError::NotTheSameRun { path: run.path().to_owned(), difference }),
        }
    }
}

/// The first value in which two configs differ, in words.
fn difference(before: &str, now: &str) -> Option<String> {
    let flat = |text: &str| {
        let mut values = BTreeMap::new();
        flatten(&text.parse().unwrap_or_default(), "", &mut values);
        values.remove("format");
        values
    };
    let (before, now) = (flat(before), flat(now));
    let key = before.keys().chain(now.keys()).find(|key| before.get(*key) != now.get(*key))?;
    let value = |values: &BTreeMap<String, toml::Value>| {
        values.get(key).map_or("not set".to_owned(), ToString::to_string)
    };
    Some(format!("{key} was {}, now it is {}", value(&before), value(&now)))
}

fn flatten(table: &toml::Table, prefix: &str, values: &mut BTreeMap<String, toml::Value>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(table) => flatten(table, &format!("{prefix}{key}."), values),
            value => drop(values.insert(format!("{prefix}{key}"), value.clone())),
        }
    }
}
