//! Which heads read what other heads wrote.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::error::InspectError;
use crate::files::layer_kind::LayerKind;
use crate::files::layers::LayerWeights;
use crate::heads::circuit::Circuit;
use crate::matrix::dense::Matrix;

/// Pairs of random circuits behind a baseline; their scores differ by a few percent from each other.
const SAMPLES: u64 = 16;

/// How a later head reads what an earlier one wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CompositionKind {
    /// As a query: it changes what is looked for.
    Query,
    /// As a key: it changes what is found.
    Key,
    /// As a value: it is handed on.
    Value,
}

/// How strongly one head's output enters another head.
#[derive(Debug, Clone, PartialEq)]
pub struct Composition {
    /// Layer that writes, an index into the layers.
    pub from_layer: usize,
    /// Head that writes.
    pub from_head: usize,
    /// Layer that reads, after the one that writes.
    pub to_layer: usize,
    /// Head that reads.
    pub to_head: usize,
    /// How it reads.
    pub kind: CompositionKind,
    /// From 0 to 1.
    pub score: f64,
    /// What random matrices of the same shapes have.
    pub baseline: Baseline,
}

impl CompositionKind {
    /// What is read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Key => "key",
            Self::Value => "value",
        }
    }
}

impl Composition {
    /// How many standard deviations of the baseline the score lies above its mean.
    pub fn deviations(&self) -> f64 {
        (self.score - self.baseline.mean) / self.baseline.deviation
    }
}

/// Composition scores of random circuits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
}

impl Circuit {
    /// How much of both circuits meets when `next` is applied to what this one writes
    /// ([Elhage et al. 2021, "Two-layer attention-only transformers"
    /// ](https://transformer-circuits.pub/2021/framework/index.html)).
    ///
    /// ```text
    /// ‖A B‖_F / (‖A‖_F ‖B‖_F)
    /// ```
    ///
    /// 0 where this one writes into directions that `next` does not read, at most 1; neither factor's size matters.
    /// `None` where one of them is zero or not finite.
    ///
    /// # Errors
    /// If `next` has not as many rows as this has columns.
    pub fn composition(&self, next: &Self) -> Result<Option<f64>, InspectError> {
        // Divided first, so that no product of large or small values leaves the range of f64.
        let (Some(a), Some(b)) = (self.normalised(), next.normalised()) else {
            return self.then(next).map(|_| None);
        };
        Ok(Some(a.then(&b)?.norm().min(1.0)))
    }

    /// The circuit divided by its norm.
    fn normalised(&self) -> Option<Self> {
        let unit = |matrix: &Matrix| {
            let norm = matrix.norm();
            (norm > 0.0 && norm.is_finite()).then(|| matrix.scaled(1.0 / norm))
        };
        let [left, right] = self.factors();
        let unit = Self::new(unit(left)?, unit(right)?).ok()?;
        let norm = unit.norm();
        let [left, right] = unit.factors();
        (norm > 0.0).then(|| Self::new(left.scaled(1.0 / norm), right.clone()).ok())?
    }
}

/// Every way in which a head can read an earlier layer's head, in the order of layers and heads.
///
/// With `OV` of the head that writes and `QK`, `OV'` of the one that reads, rows being positions:
///
/// ```text
/// Query: ‖OV QK‖ / (‖OV‖ ‖QK‖)      Key: ‖OV QKᵀ‖ / (‖OV‖ ‖QK‖)      Value: ‖OV OV'‖ / (‖OV‖ ‖OV'‖)
/// ```
///
/// The baseline is what Gaussian matrices of the same shapes have; its random numbers depend on `seed` and the shapes
/// alone. Norms and biases between the layers are left out. A decoder reads what its encoder wrote as keys and values of
/// cross-attention alone. A pair is missing where a matrix of it is missing, zero or
/// not finite, or where what is written is not as wide as what is read.
pub fn compositions(layers: &[LayerWeights], seed: u64) -> Vec<Composition> {
    let mut baselines = BTreeMap::new();
    let mut found = Vec::new();
    for (to_layer, reader) in layers.iter().enumerate() {
        for (from_layer, writer) in layers[..to_layer].iter().enumerate() {
            for from_head in 0..writer.heads.len() {
                let Some(ov) = writer.ov(from_head) else { continue };
                for (to_head, kind, next) in readings(reader) {
                    if !meets(kind, reader.kind(), writer.kind()) {
                        continue;
                    }
                    let Ok(Some(score)) = ov.composition(&next) else { continue };
                    let shape = [&ov, &next].map(|c| [c.rows(), c.factors()[0].columns(), c.columns()]);
                    let baseline = *baselines.entry(shape).or_insert_with(|| baseline(shape, seed));
                    found.push(Composition {
                        from_layer,
                        from_head,
                        to_layer,
                        to_head,
                        kind,
                        score,
                        baseline,
                    });
                }
            }
        }
    }
    found
}

/// Whether a layer reads anything that an earlier one writes.
pub(crate) fn reads(reader: LayerKind, writer: LayerKind) -> bool {
    [reader.queries(), reader.keys()].contains(&writer.queries())
}

/// Whether what a layer writes is in the stream of which another makes its queries, or its keys and values.
fn meets(kind: CompositionKind, reader: LayerKind, writer: LayerKind) -> bool {
    let read = match kind {
        CompositionKind::Query => reader.queries(),
        CompositionKind::Key | CompositionKind::Value => reader.keys(),
    };
    read == writer.queries()
}

fn readings(layer: &LayerWeights) -> Vec<(usize, CompositionKind, Circuit)> {
    let mut readings = Vec::new();
    for head in 0..layer.heads.len() {
        if let Some(qk) = layer.qk(head) {
            let transposed = qk.transpose();
            readings.push((head, CompositionKind::Query, qk));
            readings.push((head, CompositionKind::Key, transposed));
        }
        readings.extend(layer.ov(head).map(|ov| (head, CompositionKind::Value, ov)));
    }
    readings
}

/// Each shape is `[rows, inner, columns]`, and the first has as many columns as the second has rows.
fn baseline(shapes: [[usize; 3]; 2], seed: u64) -> Baseline {
    let mut scores = Vec::new();
    for sample in 0..SAMPLES {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(sample);
        let [a, b] = shapes.map(|shape| random(shape, &mut rng));
        let score = a.composition(&b).expect("the shapes meet");
        scores.extend(score);
    }
    let n = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Baseline { mean, deviation: variance.sqrt() }
}

fn random([rows, inner, columns]: [usize; 3], rng: &mut ChaCha8Rng) -> Circuit {
    let mut matrix = |rows: usize, columns: usize| {
        let values = (0..rows * columns).map(|_| StandardNormal.sample(rng)).collect();
        Matrix::new(rows, columns, values).expect("as many values as were drawn")
    };
    let (left, right) = (matrix(rows, inner), matrix(inner, columns));
    Circuit::new(left, right).expect("both were made with the same inner width")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::layers::layers;
    use crate::fixtures::weights;
    use crate::heads::profile::n_pairs;

    /// `e_row e_columnᵀ` of size 3.
    fn unit(row: usize, column: usize) -> Circuit {
        let vector = |at: usize| (0..3).map(|i| f64::from(u8::from(i == at))).collect();
        let left = Matrix::new(3, 1, vector(row)).expect("three values");
        Circuit::new(left, Matrix::new(1, 3, vector(column)).expect("three values")).expect("both are thin")
    }

    #[test]
    fn heads_compose_where_one_reads_what_the_other_writes() -> Result<(), InspectError> {
        assert_eq!(unit(0, 1).composition(&unit(1, 2))?, Some(1.0));
        assert_eq!(unit(0, 1).composition(&unit(2, 2))?, Some(0.0));
        let zero = Circuit::new(Matrix::new(3, 1, vec![0.0; 3])?, Matrix::new(1, 3, vec![1.0; 3])?)?;
        assert_eq!(unit(0, 1).composition(&zero)?, None);
        let narrow = Circuit::new(Matrix::new(2, 1, vec![1.0; 2])?, Matrix::new(1, 2, vec![1.0; 2])?)?;
        assert!(unit(0, 1).composition(&narrow).is_err());
        Ok(())
    }

    #[test]
    fn a_decoder_reads_its_encoder_as_keys_and_values_of_cross_attention_alone() -> Result<(), InspectError> {
        let names = ["encoder.0", "encoder.1", "decoder.0", "decoder.0.cross", "decoder.1"];
        let list: Vec<(String, Vec<f32>)> = names
            .iter()
            .flat_map(|layer| {
                ["w_q", "w_k", "w_v", "w_o"].map(|matrix| (format!("{layer}.{matrix}"), vec![1.0; 4]))
            })
            .collect();
        let list: Vec<_> =
            list.iter().map(|(name, values)| (name.as_str(), &[2, 2][..], values.clone())).collect();
        let layers = layers(&weights(&list), 1)?;
        let [all, inputs_of_cross, query] = [&["query", "key", "value"][..], &["key", "value"], &["query"]];
        let expected = [
            ([0, 1], all),
            ([0, 3], inputs_of_cross),
            ([1, 3], inputs_of_cross),
            ([2, 3], query),
            ([2, 4], all),
            ([3, 4], all),
        ];
        let expected: Vec<_> =
            expected.iter().flat_map(|(pair, kinds)| kinds.iter().map(|kind| (*pair, *kind))).collect();
        let found: Vec<_> =
            compositions(&layers, 0).iter().map(|c| ([c.from_layer, c.to_layer], c.kind.name())).collect();
        assert_eq!(found, expected);
        assert_eq!(n_pairs(&layers), 6);
        Ok(())
    }

    #[test]
    fn the_baseline_of_wide_circuits_is_one_over_the_root_of_their_width() {
        for (n, inner) in [(32, 8), (48, 16), (64, 64)] {
            let shape = [[n, inner, n]; 2];
            let found = baseline(shape, 7);
            // Isotropic circuits meet in one of n directions: ‖AB‖² = ‖A‖² ‖B‖² / n but for fluctuations.
            let expected = 1.0 / (n as f64).sqrt();
            assert!((found.mean / expected - 1.0).abs() < 0.05, "{n} {inner} {found:?}");
            assert!(found.deviation < 0.2 * expected);
            assert_eq!(found, baseline(shape, 7));
            assert_ne!(found, baseline(shape, 8));
        }
    }
}
