//! Attention maps that training saved on the way, with the tokens that they are about.

use std::path::Path;

use serde::Deserialize;

use crate::error::InspectError;
use crate::matrix::Matrix;
use crate::natural::NaturalKey;
use crate::weights::Weights;

/// The attention weights of every layer and head for one example.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Updates made before it was taken; `None` for a file outside a run.
    pub step: Option<u64>,
    /// What stood at each position; empty where the file does not say.
    pub tokens: Vec<String>,
    /// What was to be said at each position, `""` where nothing was asked.
    pub targets: Vec<String>,
    /// What the model said at each position.
    pub predictions: Vec<String>,
    /// Layer by layer, head by head.
    pub maps: Vec<AttentionMap>,
}

/// Who looks at whom in one head: row i holds the weights that query i gives to the keys, which add up to one.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionMap {
    /// Name of the layer, such as `blocks.0.attention`.
    pub layer: String,
    /// Index of the head.
    pub head: usize,
    /// `[q_len, k_len]`.
    pub weights: Matrix,
}

impl Snapshot {
    /// Reads a file whose tensors are called `<layer>.weights` and have the shape `[heads, q_len, k_len]`. Its metadata
    /// `probe` is a JSON object whose `tokens`, `targets` and `predictions` are arrays with one string a position; each
    /// may be absent.
    ///
    /// # Errors
    /// As [`Weights::open`], or if such a tensor has another number of axes, or a label is not what it should be.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, InspectError> {
        Self::read(&Weights::open(path)?)
    }

    /// The same for a file that is open already.
    ///
    /// # Errors
    /// If a map has another number of axes, or a label is not what it should be.
    pub fn read(file: &Weights) -> Result<Self, InspectError> {
        let mut maps = Vec::new();
        for name in file.names() {
            if let Some(layer) = name.strip_suffix(".weights") {
                maps.extend(maps_of(file, name, layer)?);
            }
        }
        maps.sort_by_cached_key(|map: &AttentionMap| (NaturalKey::of(&map.layer), map.head));
        let probe = probe(file)?;
        Ok(Self {
            step: None,
            tokens: probe.tokens,
            targets: probe.targets,
            predictions: probe.predictions,
            maps,
        })
    }

    /// The tokens as labels of an axis with `length` positions; `None` where that is not what they are.
    pub fn labels(&self, length: usize) -> Option<&[String]> {
        (self.tokens.len() == length).then_some(&self.tokens)
    }
}

fn maps_of(file: &Weights, name: &str, layer: &str) -> Result<Vec<AttentionMap>, InspectError> {
    let tensor = file.tensor(name)?;
    let [_, q_len, k_len] = tensor.shape[..] else {
        return Err(wrong_shape(name, tensor.shape));
    };
    if tensor.values.is_empty() {
        return Err(wrong_shape(name, tensor.shape));
    }
    tensor
        .values
        .chunks_exact(q_len * k_len)
        .enumerate()
        .map(|(head, values)| {
            Ok(AttentionMap {
                layer: layer.to_owned(),
                head,
                weights: Matrix::new(q_len, k_len, values.to_vec())?.with_axes("query", "key"),
            })
        })
        .collect()
}

fn wrong_shape(name: &str, shape: Vec<usize>) -> InspectError {
    InspectError::WrongShape { name: name.to_owned(), shape, expected: "3 axes, [heads, q_len, k_len]" }
}

/// What the attention maps are about.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Probe {
    tokens: Vec<String>,
    targets: Vec<String>,
    predictions: Vec<String>,
}

fn probe(file: &Weights) -> Result<Probe, InspectError> {
    match file.metadata("probe") {
        None => Ok(Probe::default()),
        Some(text) => serde_json::from_str(text)
            .map_err(|e| InspectError::Labels { path: file.path().to_owned(), problem: e.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::tensors;

    fn read(shape: &[usize], metadata: &[(&str, &str)]) -> Result<Snapshot, InspectError> {
        let values = (0..shape.iter().product()).map(|i| i as f32).collect();
        let bytes = tensors(&[("blocks.0.attention.weights", shape, values)], metadata);
        Snapshot::read(&Weights::from_bytes("snapshot", bytes)?)
    }

    #[test]
    fn a_snapshot_holds_a_map_for_every_head() -> Result<(), InspectError> {
        let snapshot = read(
            &[2, 3, 5],
            &[("probe", r#"{"tokens":["a","b","="],"targets":["","","x"],"predictions":["p","q","x"]}"#)],
        )?;
        assert_eq!(snapshot.maps.len(), 2);
        let map = &snapshot.maps[1];
        assert_eq!((map.layer.as_str(), map.head), ("blocks.0.attention", 1));
        // The tensor counts its entries: 1·15 + 2·5 + 4.
        assert_eq!(map.weights.at(2, 4), 29.0);
        assert_eq!(map.weights.axes(), ["query", "key"]);
        assert_eq!(snapshot.labels(3), Some(&snapshot.tokens[..]));
        assert_eq!(snapshot.labels(5), None);
        assert_eq!(snapshot.targets, ["", "", "x"]);
        Ok(())
    }

    #[test]
    fn maps_come_in_natural_order() -> Result<(), InspectError> {
        let list = ["b.10", "b.2"].map(|layer| (format!("{layer}.weights"), [2, 1, 1], vec![1.0; 2]));
        let list = list.each_ref().map(|(name, shape, values)| (name.as_str(), &shape[..], values.clone()));
        let snapshot = Snapshot::read(&Weights::from_bytes("snapshot", tensors(&list, &[]))?)?;
        let order: Vec<_> = snapshot.maps.iter().map(|map| (map.layer.as_str(), map.head)).collect();
        assert_eq!(order, [("b.2", 0), ("b.2", 1), ("b.10", 0), ("b.10", 1)]);
        Ok(())
    }

    #[test]
    fn labels_may_be_absent_but_not_wrong() -> Result<(), InspectError> {
        assert!(read(&[1, 2, 2], &[])?.predictions.is_empty());
        let message =
            read(&[1, 2, 2], &[("probe", r#"{"tokens": [1, 2]}"#)]).expect_err("numbers").to_string();
        assert!(message.starts_with("cannot use the labels in snapshot: its metadata"), "{message}");
        Ok(())
    }

    #[test]
    fn a_map_has_three_axes_and_none_is_empty() {
        for shape in [&[4, 4][..], &[1, 1, 2, 2], &[1, 0, 2], &[0, 2, 2]] {
            assert!(matches!(read(shape, &[]), Err(InspectError::WrongShape { .. })), "{shape:?}");
        }
    }
}
