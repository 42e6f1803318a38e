//! W_Q, W_K and W_V in a config: `model.projections` is one word for all three, or a table with a word for each.

use std::collections::BTreeMap;

use crate::tensor_names::WATCHED;

/// The key of the word, or of the table.
pub const PROJECTIONS_KEY: &str = "model.projections";

/// Whether values by their dotted paths have a word for each matrix, at any depth, such as below `parent`.
pub fn has_each_projection<V>(values: &BTreeMap<String, V>) -> bool {
    let is_of_one = |path: &str| WATCHED.iter().any(|matrix| is_key(path.strip_suffix(matrix), "."));
    values.keys().any(|path| is_of_one(path))
}

/// The same values with a word for each matrix in the place of one for all three, at any depth.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use qkv_run::split_projections;
///
/// let mut values = BTreeMap::from([("model.d_k".to_owned(), "2"), ("model.projections".to_owned(), "frozen")]);
/// split_projections(&mut values);
/// let paths: Vec<&String> = values.keys().collect();
/// assert_eq!(paths, ["model.d_k", "model.projections.w_k", "model.projections.w_q", "model.projections.w_v"]);
/// assert_eq!(values["model.projections.w_k"], "frozen");
/// ```
pub fn split_projections<V: Clone>(values: &mut BTreeMap<String, V>) {
    let words: Vec<String> = values.keys().filter(|path| is_key(Some(path), "")).cloned().collect();
    for path in words {
        let word = values.remove(&path).expect("it was just found");
        values.extend(WATCHED.map(|matrix| (format!("{path}.{matrix}"), word.clone())));
    }
}

/// Whether a path is the key, and behind it `end`, alone or below other tables.
fn is_key(path: Option<&str>, end: &str) -> bool {
    let before = path.and_then(|path| path.strip_suffix(end)?.strip_suffix(PROJECTIONS_KEY));
    before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
}
