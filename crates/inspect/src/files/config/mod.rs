//! `config.json` of a checkpoint: what a weight file alone does not hold.

mod absent;
mod head_counts;

pub use head_counts::Heads;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

use qkv_run::{Checkpoint, Description, Disk, has_each_projection, read_description, split_projections};
use serde_json::Value;

use crate::error::InspectError;

/// The config of the run, as far as weights cannot be read or a run not be described without it. What is missing here
/// was missing there, or meant something else: all other keys belong to the model.
///
/// ```
/// use qkv_inspect::CheckpointConfig;
///
/// let model = r#"{"n_heads": 4, "n_kv_heads": 2, "score": {"name": "additive", "d_hidden": 8}}"#;
/// let task = r#"{"name": "reverse", "seq_len": 16}"#;
/// let text = format!(r#"{{"task": {task}, "vocabulary": ["0", "1"], "model": {model}}}"#);
/// let config = CheckpointConfig::parse(text.as_bytes())?;
/// assert_eq!((config.n_heads, config.n_kv_heads), (Some(4), Some(2)));
/// assert_eq!((config.score.as_deref(), config.positions), (Some("additive"), None));
/// assert_eq!((config.task.as_deref(), config.vocabulary.len()), (Some("reverse"), 2));
/// assert_eq!(config.settings["task.seq_len"], "16");
/// assert!(CheckpointConfig::parse(br#"{"model": {"n_heads": 0}}"#).is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckpointConfig {
    /// Name of the task.
    pub task: Option<String>,
    /// Label of each token.
    pub vocabulary: Vec<String>,
    /// Number of query heads, at least 1.
    pub n_heads: Option<usize>,
    /// Number of key and value heads, at least 1; as many as query heads where it is missing.
    pub n_kv_heads: Option<usize>,
    /// Most positions that an input has.
    pub seq_len: Option<usize>,
    /// Name of the score, such as `scaled-dot`.
    pub score: Option<String>,
    /// Name of the position scheme, such as `rope`.
    pub positions: Option<String>,
    /// Whether queries and keys are normalised before they meet.
    pub qk_norm: bool,
    /// Whether the unembedding is the transposed table of token vectors.
    pub tied: bool,
    /// Every value under its path, such as `model.d_k`, without step, format and vocabulary.
    pub settings: BTreeMap<String, String>,
    /// The whole config as TOML; empty where it was read from JSON of another program.
    pub toml: String,
}

/// The folder of the run that another began with.
const PARENT_PATH: &str = "parent.path";

impl CheckpointConfig {
    /// Reads the `config.json` in any folder with weights; empty where there is no such file.
    ///
    /// # Errors
    /// If the file is there and cannot be read, is no JSON object, or gives a number of heads that is not one.
    pub fn read(folder: impl AsRef<Path>) -> Result<Self, InspectError> {
        let path = Checkpoint::config_in(folder.as_ref());
        match path.canonicalize().and_then(|file| read_description(&Disk, &file)) {
            Ok(text) => Self::parse(&text).map_err(|problem| InspectError::Json { path, problem }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(InspectError::Read { path, source }),
        }
    }

    /// That of a checkpoint, once it is what its manifest states.
    ///
    /// # Errors
    /// If it is not what was saved, cannot be read, or gives a number of heads that is not one.
    pub fn of_checkpoint(checkpoint: &Checkpoint) -> Result<Self, InspectError> {
        let Description { config, vocabulary, .. } = checkpoint.description()?;
        let json = serde_json::to_value(&config).expect("tables of numbers and names are JSON");
        let path = checkpoint.config();
        let known = Self::of_json(&json).map_err(|problem| InspectError::Json { path, problem })?;
        let toml = toml::to_string(&config).expect("it was read from a table");
        Ok(Self { vocabulary, toml, ..known })
    }

    /// That of a run whose config is this text, as in its `config.toml`.
    ///
    /// # Errors
    /// If it is no TOML, or gives a number of heads that is not one.
    pub fn of_toml(text: &str, vocabulary: &[String]) -> Result<Self, InspectError> {
        let refused = |problem: String| InspectError::Config { problem };
        let config: toml::Table =
            text.parse().map_err(|error: toml::de::Error| refused(error.to_string()))?;
        let json = serde_json::to_value(config).expect("tables of numbers and names are JSON");
        let known = Self::of_json(&json).map_err(refused)?;
        Ok(Self { vocabulary: vocabulary.to_vec(), toml: text.to_owned(), ..known })
    }

    /// Reads the text of a `config.json`. What is about the model stands in the table `model`, or at the top where a
    /// key is missing in it.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let config: Value = serde_json::from_slice(text).map_err(|e| format!("expected JSON, {e}"))?;
        Self::of_json(&config)
    }

    fn of_json(config: &Value) -> Result<Self, String> {
        if !config.is_object() {
            return Err("expected a JSON object with the key \"model\"".to_owned());
        }
        let value = |key: &str| config["model"].get(key).or_else(|| config.get(key)).filter(|v| !v.is_null());
        let name_of = |key: &str| value(key).and_then(name).map(str::to_owned);
        let labels = config["vocabulary"].as_array().into_iter().flatten();
        let mut settings = BTreeMap::new();
        flatten(config, "", &mut settings);
        Ok(Self {
            task: name(&config["task"]).map(str::to_owned),
            vocabulary: labels.filter_map(Value::as_str).map(str::to_owned).collect(),
            n_heads: value("n_heads").map(|value| count("n_heads", value)).transpose()?,
            n_kv_heads: value("n_kv_heads").map(|value| count("n_kv_heads", value)).transpose()?,
            seq_len: value("seq_len").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()),
            score: name_of("score"),
            positions: name_of("positions"),
            // A name there is that of a norm.
            qk_norm: value("qk_norm").is_some_and(|value| value.as_bool() != Some(false)),
            tied: value("tied").and_then(Value::as_bool) == Some(true),
            settings,
            toml: String::new(),
        })
    }

    /// The heads that are known; one where nothing is.
    pub fn heads(&self) -> Heads {
        let n_heads = self.n_heads.unwrap_or(1);
        Heads { n_heads, n_kv_heads: self.n_kv_heads.unwrap_or(n_heads) }
    }

    /// The settings in which `self` differs from `other`, as `model.projections = none`; without the folder of a parent,
    /// which is a place on the machine of the training. Where one of them has W_Q, W_K and W_V each for itself, both do.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut settings = [&self.settings, &other.settings].map(BTreeMap::clone);
        if settings.iter().any(has_each_projection) {
            settings.iter_mut().for_each(split_projections);
        }
        let [own, others] = &settings;
        let differs = |key: &&String| own.get(*key) != others.get(*key);
        let value = |key: &String| match own.get(key) {
            Some(value) => format!("{key} = {value}"),
            None => format!("{key} not set"),
        };
        let keys: BTreeSet<&String> = own.keys().chain(others.keys()).collect();
        keys.into_iter().filter(|key| *key != PARENT_PATH).filter(differs).map(value).collect()
    }
}

/// `"rope"`, or `{"name": "rope", "base": 500}`
fn name(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("name")?.as_str())
}

fn count(key: &str, value: &Value) -> Result<usize, String> {
    match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
        Some(n) if n > 0 => Ok(n),
        _ => Err(format!("{key} must be a whole number of at least 1, got {value}")),
    }
}

fn flatten(value: &Value, path: &str, settings: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if !Checkpoint::OWN_KEYS.contains(&path.as_str()) {
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
    fn a_table_of_another_model_says_what_it_says() -> Result<(), String> {
        assert_eq!(CheckpointConfig::parse(b"{}")?, CheckpointConfig::default());
        let table =
            CheckpointConfig::parse(br#"{"model": "mine", "n_heads": 3, "score": 7, "positions": ["a"]}"#)?;
        assert_eq!((table.n_heads, &table.score, &table.positions), (Some(3), &None, &None));
        assert_eq!(table.heads(), Heads { n_heads: 3, n_kv_heads: 3 });
        let table = CheckpointConfig::parse(
            br#"{"model": {"positions": "rope", "qk_norm": "rms", "n_heads": null}}"#,
        )?;
        assert_eq!((table.positions.as_deref(), table.qk_norm, table.n_heads), (Some("rope"), true, None));
        assert!(!CheckpointConfig::parse(br#"{"model": {"qk_norm": false}}"#)?.qk_norm);
        assert!(CheckpointConfig::parse(br#"{"model": {"tied": true}}"#)?.tied);
        Ok(())
    }

    #[test]
    fn a_number_of_heads_is_a_number() {
        for wrong in [&br#"{"n_heads": 1.5}"#[..], br#"{"n_heads": "2"}"#, b"[]", b"", b"{", b"\xff"] {
            assert!(CheckpointConfig::parse(wrong).is_err(), "{}", wrong.escape_ascii());
        }
        let message = CheckpointConfig::parse(br#"{"model": {"n_kv_heads": 0}}"#).expect_err("zero");
        assert_eq!(message, "n_kv_heads must be a whole number of at least 1, got 0");
    }

    #[test]
    fn a_folder_without_config_says_nothing() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        assert_eq!(CheckpointConfig::read(folder.path())?, CheckpointConfig::default());
        std::fs::write(folder.path().join("config.json"), "{\"n_heads\": -1}")?;
        let message = CheckpointConfig::read(folder.path()).expect_err("negative").to_string();
        assert!(message.ends_with("n_heads must be a whole number of at least 1, got -1"), "{message}");
        Ok(())
    }

    #[test]
    fn variants_differ_in_what_they_were_set_to() -> Result<(), String> {
        let learned = CheckpointConfig::parse(
            br#"{"model": {"projections": "learned", "d_k": 3}, "seed": 0, "step": 5}"#,
        )?;
        let none = CheckpointConfig::parse(
            br#"{"model": {"projections": "none", "d_k": 3, "extra": true}, "seed": 0, "parent": {"path": "/home/a"}}"#,
        )?;
        assert_eq!(none.differences(&learned), ["model.extra = true", "model.projections = none"]);
        assert_eq!(learned.differences(&none), ["model.extra not set", "model.projections = learned"]);
        assert_eq!(learned.differences(&learned), [""; 0]);
        let mixed = CheckpointConfig::parse(
            br#"{"model": {"projections": {"w_q": "learned", "w_k": "none", "w_v": "learned"}, "d_k": 3}, "seed": 0}"#,
        )?;
        assert_eq!(mixed.differences(&learned), ["model.projections.w_k = none"]);
        assert_eq!(learned.differences(&mixed), ["model.projections.w_k = learned"]);
        Ok(())
    }
}
