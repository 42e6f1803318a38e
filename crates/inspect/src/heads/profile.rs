//! One line of figures for every head: what it attends to, what it copies, which earlier heads it reads.

use std::collections::BTreeMap;

use crate::files::frames::snapshot::{AttentionMap, Snapshot};
use crate::files::layers::{LayerWeights, matrices};
use crate::heads::attention_stats::OffsetMean;
use crate::heads::circuit::Circuit;
use crate::heads::composition::{Composition, CompositionKind, compositions, reads};
use crate::heads::embeddings::{Embeddings, StreamInput};
use crate::heads::head_scores::HeadScores;
use crate::matrix::dense::Matrix;
use crate::number::{share, significant};

/// Multiplications that [`profiles`] spends on compositions, a few seconds: those of 9,000 pairs of heads with `d_k` =
/// 16 in a stream of 128 dimensions, or of 95 pairs with 64 in 768.
const MAX_MULTIPLICATIONS: f64 = 3e8;

/// Figures of one head; `None` where the files lack what it follows from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeadProfile {
    /// Name of the layer, such as `blocks.0.attention`.
    pub layer: String,
    /// Index of the head.
    pub head: usize,
    /// Its attention patterns.
    pub scores: HeadScores,
    /// As if attention were spread evenly over so many keys: `exp` of the mean entropy.
    pub n_keys: Option<f64>,
    /// The distance at which it attends most, of those that at least half of the queries have.
    pub offset: Option<OffsetMean>,
    /// Copying score of the OV circuit from token to token, or of `W_V W_O` where the file holds no token vectors: 1
    /// where attending to a token raises that token's own logit, -1 where it lowers it. `None` for an encoder, whose
    /// output no logits are made of, and for cross-attention, which reads no token vectors.
    pub copying_score: Option<f64>,
    /// How it reads earlier heads: of each kind the composition furthest above what random matrices have.
    pub compositions: Vec<Composition>,
}

/// Every head of `layers`, and every head of which `snapshot` has a map. Compositions are there where
/// [`has_compositions`].
///
/// ```
/// use qkv_inspect::{AttentionMap, Embeddings, Matrix, Snapshot, profiles};
///
/// let weights = Matrix::new(3, 3, vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0])?;
/// let maps = vec![AttentionMap::new("a", 0, weights)];
/// let snapshot = Snapshot { maps, ..Snapshot::default() };
/// let heads = profiles(&[], &Embeddings::default(), Some(&snapshot));
/// assert_eq!(heads[0].offset.map(|offset| (offset.offset, offset.mean)), Some((-1, 1.0)));
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
pub fn profiles(
    layers: &[LayerWeights],
    embeddings: &Embeddings,
    snapshot: Option<&Snapshot>,
) -> Vec<HeadProfile> {
    let strongest = strongest(layers);
    let mut profiles = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        profiles.extend((0..layer.heads.len()).map(|head| {
            HeadProfile {
                copying_score: layer
                    .ov(head)
                    .filter(|_| copies(layer))
                    .and_then(|ov| copying_score(ov, embeddings)),
                compositions: strongest
                    .range((index, head, CompositionKind::Query)..=(index, head, CompositionKind::Value))
                    .map(|(_, composition)| composition.clone())
                    .collect(),
                ..HeadProfile::new(&layer.prefix, head)
            }
        }));
    }
    let Some(snapshot) = snapshot else { return profiles };
    for map in &snapshot.maps {
        let place =
            profiles.iter().position(|profile| (&profile.layer, profile.head) == (&map.layer, map.head));
        let place = place.unwrap_or_else(|| {
            profiles.push(HeadProfile::new(&map.layer, map.head));
            profiles.len() - 1
        });
        profiles[place].scores = map.scores(&snapshot.labels.tokens);
        profiles[place].n_keys = map.mean_entropy().map(f64::exp);
        profiles[place].offset = usual_offset(map);
    }
    profiles
}

/// Pairs of a head with one of an earlier layer that it reads.
pub fn n_pairs(layers: &[LayerWeights]) -> usize {
    let pairs = |(index, layer): (usize, &LayerWeights)| {
        let earlier = layers[..index].iter().filter(|earlier| reads(layer.kind(), earlier.kind()));
        earlier.map(|earlier| earlier.heads.len()).sum::<usize>() * layer.heads.len()
    };
    layers.iter().enumerate().map(pairs).sum()
}

/// Whether the compositions of all pairs are a matter of seconds.
pub fn has_compositions(layers: &[LayerWeights]) -> bool {
    let cost = |matrix: &Matrix| {
        let sides = [matrix.rows(), matrix.columns()].map(|side| side as f64);
        sides[0].max(sides[1]) * sides[0].min(sides[1]).powi(2)
    };
    let most = matrices(layers).map(|(_, _, _, matrix)| cost(matrix)).fold(0.0, f64::max);
    n_pairs(layers) as f64 * most <= MAX_MULTIPLICATIONS
}

impl HeadProfile {
    /// What [`figures`](Self::figures) are called, in a word each.
    pub const FIGURES: [&str; 9] =
        ["keys", "previous", "first", "same", "induction", "mirror", "offset", "mean", "copying"];

    /// Keys, the five attention patterns, the offset and its mean, and the copying score; a dash for what is unknown.
    /// Their table fits 80 columns.
    pub fn figures(&self) -> [String; 9] {
        let or_dash = |text: Option<String>| text.unwrap_or("-".to_owned());
        let share = |value: Option<f64>| or_dash(value.map(share));
        let [previous, first, same, induction, mirror] = self.scores.named().map(|(_, score)| share(score));
        let keys = or_dash(self.n_keys.map(significant));
        let offset = or_dash(self.offset.map(|offset| format!("{:+}", offset.offset)));
        let mean = share(self.offset.map(|offset| offset.mean));
        [keys, previous, first, same, induction, mirror, offset, mean, share(self.copying_score)]
    }

    fn new(layer: &str, head: usize) -> Self {
        Self { layer: layer.to_owned(), head, ..Self::default() }
    }
}

/// Whether what a head writes of a token vector reaches the logits.
fn copies(layer: &LayerWeights) -> bool {
    layer.kind().reads_its_own_stream() && layer.kind().reaches_the_answer()
}

fn copying_score(ov: Circuit, embeddings: &Embeddings) -> Option<f64> {
    let of_tokens = embeddings.full_ov(&ov, StreamInput::Token).ok().flatten();
    of_tokens.unwrap_or(ov).eigenvalues().ok()?.copying_score()
}

/// Distances between positions of two sequences mean nothing.
fn usual_offset(map: &AttentionMap) -> Option<OffsetMean> {
    if !map.is_of_one_sequence() {
        return None;
    }
    let offsets = map.offsets().into_iter().filter(|offset| 2 * offset.n_queries >= map.weights.rows());
    offsets.max_by(|a, b| a.mean.total_cmp(&b.mean))
}

/// By layer and head that read, and how.
fn strongest(layers: &[LayerWeights]) -> BTreeMap<(usize, usize, CompositionKind), Composition> {
    /// Of the baseline's random numbers; any is as good.
    const SEED: u64 = 0;
    let mut best: BTreeMap<_, Composition> = BTreeMap::new();
    let found = if has_compositions(layers) { compositions(layers, SEED) } else { Vec::new() };
    for composition in found {
        let place = (composition.to_layer, composition.to_head, composition.kind);
        if best.get(&place).is_none_or(|known| composition.deviations() > known.deviations()) {
            best.insert(place, composition);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::InspectError;
    use crate::files::layers::{HeadWeights, layers};
    use crate::fixtures::weights;

    /// Two layers of one head in a stream of three dimensions: the first writes `e_1`, the second has queries along it.
    fn two_layers() -> Result<[LayerWeights; 2], InspectError> {
        let e = |at: usize| (0..3).map(|i| f32::from(u8::from(i == at))).collect::<Vec<_>>();
        let list = [
            ("0.w_v", &[3, 1][..], e(1)),
            ("0.w_o", &[1, 3], e(1)),
            ("1.w_q", &[3, 1], e(1)),
            ("1.w_k", &[3, 1], e(0)),
            ("1.w_v", &[3, 1], e(2)),
            ("1.w_o", &[1, 3], e(2).iter().map(|x| -x).collect()),
        ];
        Ok(layers(&weights(&list), 1)?.try_into().expect("two prefixes"))
    }

    #[test]
    fn a_head_copies_inverts_and_reads_earlier_heads() -> Result<(), InspectError> {
        let layers = two_layers()?;
        let heads = profiles(&layers, &Embeddings::default(), None);
        assert_eq!(heads.iter().map(|head| head.copying_score).collect::<Vec<_>>(), [Some(1.0), Some(-1.0)]);
        assert_eq!(heads[0].compositions, []);
        let read: Vec<_> = heads[1].compositions.iter().map(|c| (c.kind, c.from_layer, c.score)).collect();
        let expected = [
            (CompositionKind::Query, 0, 1.0),
            (CompositionKind::Key, 0, 0.0),
            (CompositionKind::Value, 0, 0.0),
        ];
        assert_eq!(read, expected);
        let [query, key] = [0, 1].map(|kind| heads[1].compositions[kind].deviations());
        assert!(query > 0.0 && key < 0.0, "{query} {key}");
        assert_eq!(n_pairs(&layers), 1);
        assert!(has_compositions(&layers));
        let w_q = Some(Matrix::new(512, 512, vec![0.0; 512 * 512])?);
        let head = HeadWeights { w_q, ..HeadWeights::default() };
        let wide = layers.map(|layer| LayerWeights { heads: vec![head.clone(); 2], ..layer });
        assert!(!has_compositions(&wide));
        Ok(())
    }

    #[test]
    fn copying_is_measured_through_the_tokens_where_they_are_known() -> Result<(), InspectError> {
        // Each of two tokens has a dimension; the unembedding swaps them, so that the head raises the other one.
        let tokens = Matrix::new(2, 3, vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0])?;
        let unembedding = Matrix::new(3, 2, vec![0.0, 1.0, 1.0, 0.0, 0.0, 0.0])?;
        let embeddings = Embeddings { tokens: Some(tokens), unembedding: Some(unembedding), positions: None };
        let identity: Vec<f32> = (0..9).map(|i| f32::from(u8::from(i % 4 == 0))).collect();
        let layers = layers(&weights(&[("w_v", &[3, 3], identity.clone()), ("w_o", &[3, 3], identity)]), 1)?;
        assert_eq!(profiles(&layers, &Embeddings::default(), None)[0].copying_score, Some(1.0));
        // The eigenvalues of a swap are 1 and -1.
        let swapped = profiles(&layers, &embeddings, None)[0].copying_score;
        assert!(swapped.is_some_and(|score| score.abs() < 1e-12), "{swapped:?}");
        Ok(())
    }

    #[test]
    fn the_usual_offset_is_one_that_most_queries_have() -> Result<(), InspectError> {
        // The first query attends to a key that no other has at that distance.
        let rows =
            [[0.0, 0.0, 0.0, 1.0], [0.75, 0.25, 0.0, 0.0], [0.0, 0.75, 0.25, 0.0], [0.0, 0.0, 0.75, 0.25]];
        let weights = Matrix::new(4, 4, rows.as_flattened().to_vec())?;
        let map = AttentionMap::new("b", 1, weights);
        let snapshot = Snapshot { maps: vec![map], ..Snapshot::default() };
        let heads = profiles(&[], &Embeddings::default(), Some(&snapshot));
        assert_eq!((heads.len(), heads[0].head), (1, 1));
        assert_eq!(heads[0].offset, Some(OffsetMean { offset: -1, mean: 0.75, n_queries: 3 }));
        assert_eq!(heads[0].scores.previous_token, Some(0.75));
        assert_eq!(heads[0].figures()[5..], ["0.438", "-1", "0.750", "-"]);
        Ok(())
    }
}
