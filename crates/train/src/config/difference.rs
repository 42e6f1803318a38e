//! Whether two configs are the same, so that a run is never continued as another one.

use std::collections::BTreeMap;

use qkv_run::RunFolder;
use toml::{Table, Value};

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
    let [before, now] = [before, now].map(|text| {
        let mut values = flatten(&text.parse().unwrap_or_default());
        values.remove("format");
        values
    });
    let key = before.keys().chain(now.keys()).find(|key| before.get(*key) != now.get(*key))?;
    let [before, now] = [&before, &now].map(|values| match values.get(key) {
        Some(value) => value.to_string(),
        None => "not set".to_owned(),
    });
    Some(format!("{key} was {before}, now it is {now}"))
}

/// The values that are not tables, by dotted path.
pub(crate) fn flatten(table: &Table) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    for (key, value) in table {
        if let Value::Table(table) = value {
            let below = flatten(table).into_iter().map(|(path, value)| (format!("{key}.{path}"), value));
            values.extend(below);
        } else {
            values.insert(key.clone(), value.clone());
        }
    }
    values
}
