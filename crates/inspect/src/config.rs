//! The one number that a weight file does not say: how many heads share the columns.

use std::path::Path;

use serde_json::Value;

use crate::error::InspectError;
use crate::weights::read;

/// `n_heads` of the `config.json` in a checkpoint folder; `None` where there is no such file, or it does not say.
///
/// # Errors
/// If the file is there and cannot be read, is no JSON object, or holds something else under `n_heads`.
pub fn checkpoint_heads(folder: impl AsRef<Path>) -> Result<Option<usize>, InspectError> {
    let path = folder.as_ref().join("config.json");
    let text = match read(&path) {
        Ok(text) => text,
        Err(InspectError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    heads_in(&text).map_err(|problem| InspectError::Config { path, problem })
}

/// `n_heads` in the text of a `config.json`: under `model`, or at the top. All other keys are the model's own business.
///
/// ```
/// use qkv_inspect::heads_in;
///
/// assert_eq!(heads_in(br#"{"model": {"n_heads": 2, "d_k": 16}, "step": 500}"#), Ok(Some(2)));
/// assert_eq!(heads_in(br#"{"model": {"kind": "mine"}}"#), Ok(None));
/// assert!(heads_in(br#"{"model": {"n_heads": 0}}"#).is_err());
/// ```
///
/// # Errors
/// What is wrong, in words.
pub fn heads_in(text: &[u8]) -> Result<Option<usize>, String> {
    let config: Value = serde_json::from_slice(text).map_err(|e| format!("expected JSON, {e}"))?;
    if !config.is_object() {
        return Err("expected a JSON object with the key \"model\"".to_owned());
    }
    let n_heads = config.pointer("/model/n_heads").or_else(|| config.get("n_heads"));
    match n_heads {
        None => Ok(None),
        Some(value) => match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
            Some(n) if n > 0 => Ok(Some(n)),
            _ => Err(format!("n_heads must be a whole number of at least 1, got {value}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_n_heads_is_asked_of_a_config() {
        assert_eq!(heads_in(b"{}"), Ok(None));
        assert_eq!(heads_in(br#"{"model": "mine", "n_heads": 3}"#), Ok(Some(3)));
        for wrong in [&br#"{"n_heads": 1.5}"#[..], br#"{"n_heads": "2"}"#, b"[]", b"", b"{", b"\xff"] {
            assert!(heads_in(wrong).is_err(), "{}", wrong.escape_ascii());
        }
    }

    #[test]
    fn a_folder_without_config_says_nothing_about_heads() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        assert_eq!(checkpoint_heads(folder.path())?, None);
        std::fs::write(folder.path().join("config.json"), "{\"n_heads\": -1}")?;
        let message = checkpoint_heads(folder.path()).expect_err("negative").to_string();
        assert!(message.ends_with("n_heads must be a whole number of at least 1, got -1"), "{message}");
        Ok(())
    }
}
