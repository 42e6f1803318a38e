//! Attention maps that training saved on the way, with the tokens that they are about.

use std::path::Path;

use qkv_run::tensor_names::MAPS;
use qkv_run::{MapPositions, ProbeLabels, RunFolder};

use crate::error::InspectError;
use crate::files::frames::map_positions::positions_of;
use crate::files::frames::trace::{LayerTrace, answers, traces};
use crate::files::layer_kind::LayerKey;
use crate::files::weights::Weights;
use crate::matrix::dense::Matrix;

/// The attention weights of every layer and head for one example. A file holds one or several.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Updates made before it was taken; `None` for a file outside a run.
    pub step: Option<u64>,
    /// Input, right answers and the model's answers; empty where the file lacks them.
    pub labels: ProbeLabels,
    /// Layer by layer in the order of computation, head by head.
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
    /// `[q_len, k_len]`, without the rows and columns of padding.
    pub weights: Matrix,
    /// Which positions of the input these are; `None` where they are all of them.
    pub positions: Option<MapPositions>,
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
        let refused = |what: &str, problem: String| {
            let problem = format!("its metadata `probes` must hold {what}: {problem}");
            InspectError::Json { path: file.path().to_owned(), problem }
        };
        let elsewhere = |problem| refused("positions of the input", problem);
        let labels = ProbeLabels::from_metadata(|key| file.metadata(key));
        let labels = labels.map_err(|problem| refused("arrays of strings", problem.to_string()))?;
        let mut snapshots: Vec<Self> =
            labels.into_iter().map(|labels| Self { labels, ..Self::default() }).collect();
        for name in file.names() {
            let Some(layer) = name.strip_suffix(MAPS) else { continue };
            for (index, maps) in maps_of(file, name, layer)?.into_iter().enumerate() {
                if index == snapshots.len() {
                    snapshots.push(Self::default());
                }
                let Self { labels, maps: all, .. } = &mut snapshots[index];
                let positions = positions_of(labels, layer).map_err(elsewhere)?;
                for map in maps {
                    all.push(map.at(positions)?);
                }
            }
        }
        // What no example has labels or maps of is of no use.
        for (Self { labels, traces: all, .. }, traces) in snapshots.iter_mut().zip(traces(file)?) {
            for trace in traces {
                let positions = positions_of(labels, &trace.layer).map_err(elsewhere)?;
                all.push(trace.at(positions)?);
            }
        }
        for (snapshot, answers) in snapshots.iter_mut().zip(answers(file)?) {
            snapshot.answers = Some(answers);
        }
        for snapshot in &mut snapshots {
            snapshot.maps.sort_by_cached_key(|map: &AttentionMap| (LayerKey::of(&map.layer), map.head));
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
        let weights = Matrix::new(q_len, k_len, values.to_vec())?.with_axes("query", "key");
        Ok(AttentionMap::new(layer, head, weights))
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
        let tokens = &snapshot.labels.tokens;
        assert_eq!((map.query_labels(tokens), map.key_labels(tokens)), (Some(&tokens[..]), None));
        assert!(!map.is_of_one_sequence());
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
    fn the_maps_of_a_model_of_two_sequences_are_labelled_by_side_without_padding() -> Result<(), InspectError>
    {
        // A source of two in a place for three, an answer of three in a place for four.
        let probes = r#"[{"tokens":["a","b","","=","c","d",""],"layers":{
            "encoder.0":{"queries":{"start":0,"end":2},"keys":{"start":0,"end":2}},
            "decoder.0.cross":{"queries":{"start":3,"end":6},"keys":{"start":0,"end":2}}}}]"#;
        let counted = |shape: &[usize]| (0..shape.iter().product()).map(|i| i as f32).collect::<Vec<_>>();
        let (square, wide) = (&[1, 1, 3, 3][..], &[1, 1, 4, 3][..]);
        let list = [
            ("decoder.0.cross.weights", wide, counted(wide)),
            ("encoder.0.weights", square, counted(square)),
            ("decoder.0.cross.trace.scores", wide, counted(wide)),
            ("decoder.0.cross.trace.x", &[1, 4, 2], counted(&[4, 2])),
            ("decoder.0.cross.trace.source", &[1, 3, 5], counted(&[3, 5])),
        ];
        let read = |probes: &str| {
            Snapshot::all(&Weights::from_bytes("snapshot", tensors(&list, &[("probes", probes)]))?)
        };
        let one = read(probes)?.remove(0);
        let [encoder, cross] = &one.maps[..] else { panic!("two layers, got {:?}", one.maps) };
        assert_eq!(
            (encoder.layer.as_str(), encoder.weights.values()),
            ("encoder.0", &[0.0, 1.0, 3.0, 4.0][..])
        );
        assert_eq!(cross.weights.values(), [0.0, 1.0, 3.0, 4.0, 6.0, 7.0]);
        let tokens = &one.labels.tokens;
        let words = [cross.query_labels(tokens), cross.key_labels(tokens)]
            .map(|labels| labels.map(<[String]>::concat));
        assert_eq!(words, [Some("=cd".to_owned()), Some("ab".to_owned())]);
        assert_eq!([encoder, cross].map(AttentionMap::is_of_one_sequence), [true, false]);
        let LayerTrace { x, source, heads, .. } = &one.traces[0];
        let sizes = [x, source, &heads[0].scores].map(|matrix| matrix.as_ref().map(Matrix::size));
        assert_eq!(sizes, [Some([3, 2]), Some([2, 5]), Some([3, 2])]);
        // More positions than tokens, or than rows.
        let message = |probes: &str| read(probes).expect_err("positions").to_string();
        assert!(
            message(&probes.replace("\"end\":6", "\"end\":8"))
                .contains("queries of decoder.0.cross are 3..8, expected some of 7")
        );
        let long = probes.replace("{\"start\":3,\"end\":6}", "{\"start\":0,\"end\":6}");
        assert!(message(&long).starts_with("tensor decoder.0.cross has shape [4, 3]"), "{}", message(&long));
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
