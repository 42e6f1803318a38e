//! Attention maps that training saved on the way, with the tokens that they are about.

use std::path::Path;

use qkv_run::tensor_names::MAPS;
use qkv_run::{ProbeLabels, RunFolder};

use crate::error::InspectError;
use crate::files::natural_order::NaturalKey;
use crate::files::trace::{LayerTrace, answers, traces};
use crate::files::weights::Weights;
use crate::matrix::dense::Matrix;

/// The attention weights of every layer and head for one example. A file holds one or several.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Updates made before it was taken; `None` for a file outside a run.
    pub step: Option<u64>,
    /// Input, right answers and the model's answers; empty where the file lacks them.
    pub labels: ProbeLabels,
    /// Layer by layer, head by head.
    pub maps: Vec<AttentionMap>,
    /// What each layer computed; empty where the file lacks it.
    pub traces: Vec<LayerTrace>,
    /// The probability of each token as the answer at each position, `[seq_len, vocab_size]`, NaN where none is asked
    /// for; `None` where the file lacks it.
    pub answers: Option<Matrix>,
}

/// The attention weights of one head: row i holds the weights of query i over the keys, which sum to one.
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
    /// Reads the first example of a file; one without labels where it holds none.
    ///
    /// # Errors
    /// As [`Weights::open`], or as [`all`](Self::all).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, InspectError> {
        Ok(Self::all(&Weights::open(path)?)?.into_iter().next().unwrap_or_default())
    }

    /// Every example of a frame, whose format is that of [`qkv_run`]. The maps of early runs are those of one example,
    /// `[heads, q_len, k_len]`.
    ///
    /// # Errors
    /// If such a tensor has another number of axes or heads that do not fit, or a label is not what it should be.
    pub fn all(file: &Weights) -> Result<Vec<Self>, InspectError> {
        let labels = ProbeLabels::from_metadata(|key| file.metadata(key)).map_err(|problem| {
            let problem = format!("its metadata `probes` must hold arrays of strings: {problem}");
            InspectError::Json { path: file.path().to_owned(), problem }
        })?;
        let mut snapshots: Vec<Self> =
            labels.into_iter().map(|labels| Self { labels, ..Self::default() }).collect();
        for name in file.names() {
            let Some(layer) = name.strip_suffix(MAPS) else { continue };
            for (index, maps) in maps_of(file, name, layer)?.into_iter().enumerate() {
                if index == snapshots.len() {
                    snapshots.push(Self::default());
                }
                snapshots[index].maps.extend(maps);
            }
        }
        // What no example has labels or maps of is of no use.
        for (snapshot, traces) in snapshots.iter_mut().zip(traces(file)?) {
            snapshot.traces = traces;
        }
        for (snapshot, answers) in snapshots.iter_mut().zip(answers(file)?) {
            snapshot.answers = Some(answers);
        }
        for snapshot in &mut snapshots {
            snapshot.maps.sort_by_cached_key(|map: &AttentionMap| (NaturalKey::of(&map.layer), map.head));
        }
        Ok(snapshots)
    }

    /// The first example of the last frame of a run at or before `step`, if one was taken.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn before(run: &RunFolder, step: u64) -> Result<Option<Self>, InspectError> {
        match run.snapshots()?.range(..=step).next_back() {
            None => Ok(None),
            Some((step, path)) => {
                let first = Self::all(&Weights::of_frame(run, path)?)?.into_iter().next();
                Ok(Some(Self { step: Some(*step), ..first.unwrap_or_default() }))
            }
        }
    }

    /// The map of one head, if it is there.
    pub fn map(&self, layer: &str, head: usize) -> Option<&AttentionMap> {
        self.maps.iter().find(|map| map.layer == layer && map.head == head)
    }

    /// The tokens as labels of an axis with `length` positions; `None` where that is not what they are.
    pub fn axis_labels(&self, length: usize) -> Option<&[String]> {
        (self.labels.tokens.len() == length).then_some(&self.labels.tokens)
    }
}

/// The maps of a layer, for every example those of every head.
fn maps_of(file: &Weights, name: &str, layer: &str) -> Result<Vec<Vec<AttentionMap>>, InspectError> {
    let tensor = file.tensor(name)?;
    let (n_heads, q_len, k_len) = match tensor.shape[..] {
        [n_heads, q_len, k_len] | [_, n_heads, q_len, k_len] if !tensor.values.is_empty() => {
            (n_heads, q_len, k_len)
        }
        _ => return Err(wrong_shape(name, tensor.shape)),
    };
    let map = |(head, values): (usize, &[f64])| {
        Ok(AttentionMap {
            layer: layer.to_owned(),
            head,
            weights: Matrix::new(q_len, k_len, values.to_vec())?.with_axes("query", "key"),
        })
    };
    let of_example = |values: &[f64]| values.chunks_exact(q_len * k_len).enumerate().map(map).collect();
    tensor.values.chunks_exact(n_heads * q_len * k_len).map(of_example).collect()
}

fn wrong_shape(name: &str, shape: Vec<usize>) -> InspectError {
    let expected = "3 axes, [heads, q_len, k_len], or 4, [probes, heads, q_len, k_len]";
    InspectError::WrongShape { name: name.to_owned(), shape, expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::tensors;

    fn read(shape: &[usize], metadata: &[(&str, &str)]) -> Result<Snapshot, InspectError> {
        let values = (0..shape.iter().product()).map(|i| i as f32).collect();
        let bytes = tensors(&[("blocks.0.attention.weights", shape, values)], metadata);
        Ok(Snapshot::all(&Weights::from_bytes("snapshot", bytes)?)?.remove(0))
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
        assert_eq!(snapshot.axis_labels(3), Some(&snapshot.labels.tokens[..]));
        assert_eq!(snapshot.axis_labels(5), None);
        assert_eq!(snapshot.labels.targets, ["", "", "x"]);
        Ok(())
    }

    #[test]
    fn maps_come_in_natural_order() -> Result<(), InspectError> {
        let list = ["b.10", "b.2"].map(|layer| (format!("{layer}.weights"), [2, 1, 1], vec![1.0; 2]));
        let list = list.each_ref().map(|(name, shape, values)| (name.as_str(), &shape[..], values.clone()));
        let snapshots = Snapshot::all(&Weights::from_bytes("snapshot", tensors(&list, &[]))?)?;
        let order: Vec<_> = snapshots[0].maps.iter().map(|map| (map.layer.as_str(), map.head)).collect();
        assert_eq!(order, [("b.2", 0), ("b.2", 1), ("b.10", 0), ("b.10", 1)]);
        Ok(())
    }

    #[test]
    fn labels_may_be_absent_but_not_wrong() -> Result<(), InspectError> {
        assert!(read(&[1, 2, 2], &[])?.labels.predictions.is_empty());
        let message =
            read(&[1, 2, 2], &[("probe", r#"{"tokens": [1, 2]}"#)]).expect_err("numbers").to_string();
        assert!(message.starts_with("cannot use snapshot: its metadata `probes` must hold"), "{message}");
        Ok(())
    }

    #[test]
    fn a_file_may_hold_several_examples() -> Result<(), InspectError> {
        let probes = r#"[{"tokens":["a","b"]},{"tokens":["c","d"],"targets":["x","y"]}]"#;
        let values = (0..3 * 5 * 2 * 2).map(|i| i as f32).collect();
        // Three examples, five heads, labels for two of them.
        let bytes = tensors(&[("a.weights", &[3, 5, 2, 2], values)], &[("probes", probes)]);
        let all = Snapshot::all(&Weights::from_bytes("snapshot", bytes)?)?;
        let tokens: Vec<_> = all.iter().map(|one| one.labels.tokens.join("")).collect();
        assert_eq!(tokens, ["ab", "cd", ""]);
        // The tensor counts its entries: 1·20 + 4·4 + 3.
        assert_eq!((all[1].maps.len(), all[1].maps[4].weights.at(1, 1)), (5, 39.0));
        assert_eq!(all[1].labels.targets, ["x", "y"]);
        Ok(())
    }

    #[test]
    fn a_file_without_maps_has_no_example() -> Result<(), InspectError> {
        let file = Weights::from_bytes("snapshot", tensors(&[("a.w_q", &[1], vec![1.0])], &[]))?;
        assert_eq!(Snapshot::all(&file)?, []);
        Ok(())
    }

    #[test]
    fn a_map_has_three_axes_or_four_and_none_is_empty() {
        for shape in [&[4, 4][..], &[1, 1, 1, 2, 2], &[1, 0, 2], &[0, 2, 2], &[2, 0, 2, 2]] {
            assert!(matches!(read(shape, &[]), Err(InspectError::WrongShape { .. })), "{shape:?}");
        }
    }
}
