//! What a weight file does not say: how many heads share the columns, and what happens between queries and keys.

use std::path::Path;

use serde_json::Value;

use crate::error::InspectError;
use crate::files::head_counts::Heads;
use crate::files::weights::read;

/// The table `model` of a `config.json`, as far as weights cannot be read without it. All other keys are the model's own
/// business; a key that is missing here was missing there, or meant something else.
///
/// ```
/// use qkv_inspect::ModelTable;
///
/// let config = br#"{"model": {"n_heads": 4, "n_kv_heads": 2, "score": {"name": "additive", "d_hidden": 8}}, "step": 9}"#;
/// let table = ModelTable::parse(config)?;
/// assert_eq!((table.n_heads, table.n_kv_heads), (Some(4), Some(2)));
/// assert_eq!((table.score.as_deref(), table.positions), (Some("additive"), None));
/// assert_eq!(ModelTable::parse(br#"{"model": {"kind": "mine"}}"#), Ok(ModelTable::default()));
/// assert!(ModelTable::parse(br#"{"model": {"n_heads": 0}}"#).is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelTable {
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
}

impl ModelTable {
    /// Reads the `config.json` in a checkpoint folder; `None` where there is no such file.
    ///
    /// # Errors
    /// If the file is there and cannot be read, is no JSON object, or gives a number of heads that is none.
    pub fn of_checkpoint(folder: impl AsRef<Path>) -> Result<Option<Self>, InspectError> {
        let path = folder.as_ref().join("config.json");
        let text = match read(&path) {
            Ok(text) => text,
            Err(InspectError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        Self::parse(&text).map(Some).map_err(|problem| InspectError::Config { path, problem })
    }

    /// Reads the text of a `config.json`: the table `model`, or the top where a key is missing in it.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let config: Value = serde_json::from_slice(text).map_err(|e| format!("expected JSON, {e}"))?;
        if !config.is_object() {
            return Err("expected a JSON object with the key \"model\"".to_owned());
        }
        let value = |key: &str| config["model"].get(key).or_else(|| config.get(key)).filter(|v| !v.is_null());
        let name = |key: &str| value(key).and_then(name).map(str::to_owned);
        Ok(Self {
            n_heads: value("n_heads").map(|value| count("n_heads", value)).transpose()?,
            n_kv_heads: value("n_kv_heads").map(|value| count("n_kv_heads", value)).transpose()?,
            seq_len: value("seq_len").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()),
            score: name("score"),
            positions: name("positions"),
            // Any kind of norm that somebody names there is one.
            qk_norm: value("qk_norm").is_some_and(|value| value.as_bool() != Some(false)),
            tied: value("tied").and_then(Value::as_bool) == Some(true),
        })
    }

    /// The heads that are known; one where nothing is.
    pub fn heads(&self) -> Heads {
        let n_heads = self.n_heads.unwrap_or(1);
        Heads { n_heads, n_kv_heads: self.n_kv_heads.unwrap_or(n_heads) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_another_model_says_what_it_says() -> Result<(), String> {
        assert_eq!(ModelTable::parse(b"{}")?, ModelTable::default());
        let table = ModelTable::parse(br#"{"model": "mine", "n_heads": 3, "score": 7, "positions": ["a"]}"#)?;
        assert_eq!(table, ModelTable { n_heads: Some(3), ..ModelTable::default() });
        assert_eq!(table.heads(), Heads { n_heads: 3, n_kv_heads: 3 });
        let table =
            ModelTable::parse(br#"{"model": {"positions": "rope", "qk_norm": "rms", "n_heads": null}}"#)?;
        assert_eq!((table.positions.as_deref(), table.qk_norm, table.n_heads), (Some("rope"), true, None));
        assert!(!ModelTable::parse(br#"{"model": {"qk_norm": false}}"#)?.qk_norm);
        assert!(ModelTable::parse(br#"{"model": {"tied": true}}"#)?.tied);
        Ok(())
    }

    #[test]
    fn a_number_of_heads_is_a_number() {
        for wrong in [&br#"{"n_heads": 1.5}"#[..], br#"{"n_heads": "2"}"#, b"[]", b"", b"{", b"\xff"] {
            assert!(ModelTable::parse(wrong).is_err(), "{}", wrong.escape_ascii());
        }
        let message = ModelTable::parse(br#"{"model": {"n_kv_heads": 0}}"#).expect_err("zero");
        assert_eq!(message, "n_kv_heads must be a whole number of at least 1, got 0");
    }

    #[test]
    fn a_folder_without_config_says_nothing() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        assert_eq!(ModelTable::of_checkpoint(folder.path())?, None);
        std::fs::write(folder.path().join("config.json"), "{\"n_heads\": -1}")?;
        let message = ModelTable::of_checkpoint(folder.path()).expect_err("negative").to_string();
        assert!(message.ends_with("n_heads must be a whole number of at least 1, got -1"), "{message}");
        Ok(())
    }
}
