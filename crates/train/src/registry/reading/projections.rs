//! `model.projections`: one word for W_Q, W_K and W_V, or a table with a word for each, which goes on top of the word.

use qkv_model::Projection;
use qkv_run::PROJECTIONS_KEY;
use qkv_run::tensor_names::WATCHED;
use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use toml::{Table, Value};

/// Whether this word stands there for all three matrices.
pub(super) fn is_for_all(path: &str, word: &str) -> bool {
    path == PROJECTIONS_KEY && Projection::deserialize(StrDeserializer::<Error>::new(word)).is_ok()
}

/// Whether this table stands there, and has no name: its keys are matrices.
pub(super) fn is_for_each(path: &str, table: &Table) -> bool {
    path == PROJECTIONS_KEY && table.keys().any(|key| WATCHED.contains(&key.as_str()))
}

/// The same word for each matrix.
pub(super) fn for_each(word: &str) -> Table {
    WATCHED.map(|matrix| (matrix.to_owned(), Value::from(word))).into_iter().collect()
}
