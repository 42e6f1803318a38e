//! What a run was set to, as its checkpoints say.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::error::InspectError;
use crate::files::config::ModelTable;
use crate::files::weights::read;

/// The `config.json` of a checkpoint, for those who tell a run's story.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Setup {
    /// Name of the task; `None` where the file does not say.
    pub task: Option<String>,
    /// Label of each token; empty where the file does not say.
    pub vocabulary: Vec<String>,
    /// What the matrices mean.
    pub model: ModelTable,
    /// Every value under its path, such as `model.d_k`, without step, format and vocabulary.
    pub settings: BTreeMap<String, String>,
}

impl Setup {
    /// Reads the `config.json` in a checkpoint folder; empty where there is no such file.
    ///
    /// # Errors
    /// As [`ModelTable::of_checkpoint`].
    pub fn of_checkpoint(folder: impl AsRef<Path>) -> Result<Self, InspectError> {
        let path = folder.as_ref().join("config.json");
        let text = match read(&path) {
            Ok(text) => text,
            Err(InspectError::NotFound { .. }) => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        Self::parse(&text).map_err(|problem| InspectError::Config { path, problem })
    }

    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// What is wrong, in words.
    ///
    /// ```
    /// use qkv_inspect::Setup;
    ///
    /// let setup = Setup::parse(br#"{"task": {"name": "reverse", "seq_len": 16}, "vocabulary": ["0", "1"], "step": 9}"#)?;
    /// assert_eq!((setup.task.as_deref(), setup.vocabulary.len()), (Some("reverse"), 2));
    /// assert_eq!(setup.settings["task.seq_len"], "16");
    /// # Ok::<(), String>(())
    /// ```
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let model = ModelTable::parse(text)?;
        let config: Value = serde_json::from_slice(text).map_err(|e| format!("expected JSON, {e}"))?;
        let labels = config["vocabulary"].as_array().into_iter().flatten();
        let vocabulary: Vec<String> = labels.filter_map(Value::as_str).map(str::to_owned).collect();
        let mut settings = BTreeMap::new();
        flatten(&config, "", &mut settings);
        let task = config["task"]["name"].as_str().or_else(|| config["task"].as_str()).map(str::to_owned);
        Ok(Self { task, vocabulary, model, settings })
    }

    /// The settings in which `self` differs from `other`, as `model.projections = none`.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let differs = |key: &&String| self.settings.get(*key) != other.settings.get(*key);
        let value = |key: &String| match self.settings.get(key) {
            Some(value) => format!("{key} = {value}"),
            None => format!("{key} not set"),
        };
        let mut keys: Vec<&String> = self.settings.keys().chain(other.settings.keys()).collect();
        keys.sort();
        keys.dedup();
        keys.into_iter().filter(differs).map(value).collect()
    }
}

fn flatten(value: &Value, path: &str, settings: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if !["step", "format", "vocabulary"].contains(&path.as_str()) {
                    flatten(value, &path, settings);
                }
            }
        }
        Value::String(text) => drop(settings.insert(path.to_owned(), text.clone())),
        other => drop(settings.insert(path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_differ_in_what_they_were_set_to() -> Result<(), String> {
        let learned =
            Setup::parse(br#"{"model": {"projections": "learned", "d_k": 3}, "seed": 0, "step": 5}"#)?;
        let none =
            Setup::parse(br#"{"model": {"projections": "none", "d_k": 3, "extra": true}, "seed": 0}"#)?;
        assert_eq!(none.differences(&learned), ["model.extra = true", "model.projections = none"]);
        assert_eq!(learned.differences(&none), ["model.extra not set", "model.projections = learned"]);
        assert_eq!(learned.differences(&learned), [""; 0]);
        Ok(())
    }
}
