//! Finds attention layers by the names of their matrices and splits them into heads.

use std::collections::BTreeMap;

use qkv_run::tensor_names::{B_K, B_Q, B_V, GRADIENT, PROJECTIONS, W_K, W_O, W_Q, W_V, WITH_GRADIENT, split};

use crate::error::InspectError;
use crate::files::config::Heads;
use crate::files::layer_kind::{LayerKey, LayerKind};
use crate::files::weights::Weights;
use crate::matrix::dense::Matrix;

/// Most values in all copies of a matrix that query heads share: half a gigabyte. No model of this size has so many
/// heads.
pub(crate) const MAX_SHARED: usize = 1 << 26;

/// The matrices of one attention layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerWeights {
    /// What stands before `.w_q`, such as `blocks.0.attention`; empty where the matrix is called just `w_q`.
    pub prefix: String,
    /// One for each query head, in the order of their columns.
    pub heads: Vec<HeadWeights>,
    /// Number of heads that keys and values have; [`Heads::kv_head`] says which query heads share one.
    pub n_kv_heads: usize,
}

/// The matrices of one query head, with the keys and values that it meets. One that the file does not hold was the
/// identity, or absent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeadWeights {
    /// Makes queries, `[d_in, d_k]`.
    pub w_q: Option<Matrix>,
    /// Makes keys, `[d_in, d_k]`.
    pub w_k: Option<Matrix>,
    /// Makes values, `[d_in, d_v]`.
    pub w_v: Option<Matrix>,
    /// How the head's output enters the sum, `[d_v, d_out]`.
    pub w_o: Option<Matrix>,
    /// Added to queries, `[1, d_k]`.
    pub b_q: Option<Matrix>,
    /// Added to keys, `[1, d_k]`.
    pub b_k: Option<Matrix>,
    /// Added to values, `[1, d_v]`.
    pub b_v: Option<Matrix>,
}

/// Every attention layer of the file, in the order of computation: `blocks.2` before `blocks.10`, an encoder before its
/// decoder.
///
/// A layer is any prefix under which there is a `w_q`, `w_k`, `w_v` or `w_o`. Columns `h·d_k .. (h+1)·d_k` of `w_q`
/// belong to query head `h`, and rows `h·d_v .. (h+1)·d_v` of `w_o` do. Of `w_k` and `w_v` the same goes for key and
/// value head `h`, which all query heads of a group have in common. The biases `b_q`, `b_k` and `b_v` beside them are
/// split alike.
///
/// # Errors
/// If a number of heads is zero or does not divide a matrix, or one of these tensors is no matrix.
pub fn layers(weights: &Weights, heads: impl Into<Heads>) -> Result<Vec<LayerWeights>, InspectError> {
    let heads = heads.into().check()?;
    let mut prefixes = BTreeMap::new();
    for (prefix, kind) in weights.names().map(split) {
        if [W_Q, W_K, W_V, W_O].contains(&kind) {
            prefixes.insert(LayerKey::of(prefix), prefix);
        }
    }
    let read = |prefix| LayerWeights::read(weights, prefix, heads, &PROJECTIONS, "");
    prefixes.into_values().map(read).collect()
}

/// The gradients of the same matrices, as far as a frame has them and not only their norms: d(loss)/dW of the update
/// before the frame, before clipping.
///
/// # Errors
/// As [`layers`].
pub(crate) fn gradients(weights: &Weights, heads: Heads) -> Result<Vec<LayerWeights>, InspectError> {
    let heads = heads.check()?;
    let mut prefixes = BTreeMap::new();
    for name in weights.names().filter(|name| is_gradient(weights, name)) {
        let prefix = split(name.strip_suffix(GRADIENT).unwrap_or(name)).0;
        prefixes.insert(LayerKey::of(prefix), prefix);
    }
    let read = |prefix| LayerWeights::read(weights, prefix, heads, &WITH_GRADIENT, GRADIENT);
    prefixes.into_values().map(read).collect()
}

/// Whether a tensor is the gradient of a matrix, and not the norms of its columns.
pub(crate) fn is_gradient(weights: &Weights, name: &str) -> bool {
    let of_matrix = name.strip_suffix(GRADIENT).is_some_and(|path| WITH_GRADIENT.contains(&split(path).1));
    of_matrix && weights.shape(name).is_some_and(|shape| shape.len() == 2)
}

/// The part of each query head in a matrix of all heads; `kind` is `w_q`, `w_k`, `w_v` or `w_o`, or the bias of one of
/// the first three as a row, and errors call the matrix `name`.
///
/// ```
/// use qkv_inspect::{Heads, Matrix, split_heads};
///
/// let w_k = Matrix::new(1, 4, vec![1.0, 2.0, 3.0, 4.0])?;
/// let heads = split_heads("w_k", w_k, "blocks.0.w_k", Heads { n_heads: 4, n_kv_heads: 2 })?;
/// assert_eq!((heads.len(), heads[3].values()), (4, &[3.0, 4.0][..]));
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
///
/// # Errors
/// If the heads make no sense or do not divide the matrix.
///
/// # Panics
/// If `kind` is another name.
pub fn split_heads(
    kind: &str,
    matrix: Matrix,
    name: &str,
    heads: Heads,
) -> Result<Vec<Matrix>, InspectError> {
    let heads = heads.check()?;
    let (n_heads, [down, across]) = match kind {
        W_Q | B_Q => (heads.n_heads, ["d_in", "d_k"]),
        W_K | B_K => (heads.n_kv_heads, ["d_in", "d_k"]),
        W_V | B_V => (heads.n_kv_heads, ["d_in", "d_v"]),
        W_O => (heads.n_heads, ["d_v", "d_out"]),
        _ => panic!("kind is the name of a matrix or a bias, not {kind}"),
    };
    let (axis, length) = if kind == W_O { ("rows", matrix.rows()) } else { ("columns", matrix.columns()) };
    if length % n_heads != 0 {
        return Err(InspectError::HeadsDoNotDivide { name: name.to_owned(), axis, length, n_heads });
    }
    let width = length / n_heads;
    let part = |query_head: usize| {
        let head = if n_heads == heads.n_heads { query_head } else { heads.kv_head(query_head) };
        let range = head * width..(head + 1) * width;
        let part = if kind == W_O { matrix.slice_rows(range) } else { matrix.slice_columns(range) };
        part.with_axes(down, across)
    };
    let shared = (heads.n_heads / n_heads).saturating_mul(matrix.values().len());
    if shared > MAX_SHARED {
        return Err(InspectError::TooManyHeads { name: name.to_owned(), n_heads: heads.n_heads });
    }
    Ok((0..heads.n_heads).map(part).collect())
}

/// Every matrix that is there, with its layer, its head and its name, in this order.
pub(crate) fn matrices(
    layers: &[LayerWeights],
) -> impl Iterator<Item = (&LayerWeights, usize, &'static str, &Matrix)> {
    layers.iter().flat_map(|layer| {
        layer.heads.iter().enumerate().flat_map(move |(head, weights)| {
            let named = weights.named().into_iter();
            named.filter_map(move |(name, matrix)| Some((layer, head, name, matrix?)))
        })
    })
}

impl LayerWeights {
    /// Of the tensors that end with `suffix` behind one of `kinds`.
    fn read(
        weights: &Weights,
        prefix: &str,
        heads: Heads,
        kinds: &[&'static str],
        suffix: &str,
    ) -> Result<Self, InspectError> {
        let mut of_heads = Vec::new();
        for &kind in kinds {
            let name = if prefix.is_empty() { kind.to_owned() } else { format!("{prefix}.{kind}") } + suffix;
            if weights.shape(&name).is_none() || (!suffix.is_empty() && !is_gradient(weights, &name)) {
                continue;
            }
            let matrix = match kind {
                B_Q | B_K | B_V => weights.row(&name)?,
                _ => weights.matrix(&name)?,
            };
            let parts = split_heads(kind, matrix, &name, heads)?;
            // Not before it is known that there are so many.
            of_heads.resize(heads.n_heads, HeadWeights::default());
            for (head, part) in of_heads.iter_mut().zip(parts) {
                *head.part_mut(kind) = Some(part);
            }
        }
        Ok(Self { prefix: prefix.to_owned(), heads: of_heads, n_kv_heads: heads.n_kv_heads })
    }

    /// Which attention of the model it is, by its prefix.
    pub fn kind(&self) -> LayerKind {
        LayerKind::of(&self.prefix)
    }

    /// The matrix of one head that the file calls `name`.
    pub(crate) fn matrix(&self, head: usize, name: &str) -> Option<&Matrix> {
        self.heads.get(head)?.matrix(name)
    }
}

impl HeadWeights {
    /// The four matrices under their names in the file.
    pub fn named(&self) -> [(&'static str, Option<&Matrix>); 4] {
        [
            (W_Q, self.w_q.as_ref()),
            (W_K, self.w_k.as_ref()),
            (W_V, self.w_v.as_ref()),
            (W_O, self.w_o.as_ref()),
        ]
    }

    pub(crate) fn matrix(&self, name: &str) -> Option<&Matrix> {
        self.named().into_iter().find(|(found, _)| *found == name)?.1
    }

    fn part_mut(&mut self, kind: &str) -> &mut Option<Matrix> {
        match kind {
            W_Q => &mut self.w_q,
            W_K => &mut self.w_k,
            W_V => &mut self.w_v,
            W_O => &mut self.w_o,
            B_Q => &mut self.b_q,
            B_K => &mut self.b_k,
            B_V => &mut self.b_v,
            _ => unreachable!("{kind} is not a projection"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::weights;

    /// Values that say where they stand: row.column in hundredths.
    fn counted(rows: usize, columns: usize) -> Vec<f32> {
        (0..rows * columns).map(|i| ((i / columns) * 100 + i % columns) as f32).collect()
    }

    #[test]
    fn heads_own_columns_of_w_q_and_rows_of_w_o_and_groups_share_keys_and_values() -> Result<(), InspectError>
    {
        // d_in = 2, six query heads of width 5, and values of width 7 in two groups, d_out = 11.
        let weights = weights(&[
            ("a.w_q", &[2, 30], counted(2, 30)),
            ("a.w_k", &[2, 10], counted(2, 10)),
            ("a.w_v", &[2, 14], counted(2, 14)),
            ("a.w_o", &[42, 11], counted(42, 11)),
            ("a.b_k", &[10], counted(1, 10)),
        ]);
        let layer = &layers(&weights, Heads { n_heads: 6, n_kv_heads: 2 })?[0];
        assert_eq!((layer.prefix.as_str(), layer.heads.len(), layer.n_kv_heads), ("a", 6, 2));
        for (h, head) in layer.heads.iter().enumerate() {
            let sizes = head.named().map(|(_, m)| m.map(|m| (m.size(), m.axes())));
            let expected = [
                ([2, 5], ["d_in", "d_k"]),
                ([2, 5], ["d_in", "d_k"]),
                ([2, 7], ["d_in", "d_v"]),
                ([7, 11], ["d_v", "d_out"]),
            ];
            assert_eq!(sizes, expected.map(Some));
            let corner = head.named().map(|(_, m)| m.map(|m| m.at(1, 4)));
            let (h, group) = (h as f64, (h / 3) as f64);
            let expected = [104.0 + 5.0 * h, 104.0 + 5.0 * group, 104.0 + 7.0 * group, 104.0 + 700.0 * h];
            assert_eq!(corner, expected.map(Some), "head {h}");
            let bias = head.b_k.as_ref().map(|b| b.values().to_vec());
            assert_eq!(bias, Some((0..5).map(|i| 5.0 * group + f64::from(i)).collect()));
            assert_eq!(head.b_q, None);
        }
        let message =
            layers(&weights, Heads { n_heads: 6, n_kv_heads: 3 }).expect_err("10 columns").to_string();
        assert!(message.starts_with("a.w_k has 10 columns, which n_heads = 3"), "{message}");
        Ok(())
    }

    #[test]
    fn layers_come_in_natural_order_and_may_lack_matrices() -> Result<(), InspectError> {
        let names = ["blocks.10.w_v", "blocks.2.w_o", "w_q", "encoder.w_k"];
        let tensors: Vec<_> = names.iter().map(|&name| (name, &[2, 2][..], vec![1.0; 4])).collect();
        let layers = layers(&weights(&tensors), 2)?;
        let prefixes: Vec<&str> = layers.iter().map(|layer| layer.prefix.as_str()).collect();
        assert_eq!(prefixes, ["", "blocks.2", "blocks.10", "encoder"]);
        assert_eq!(layers[1].heads[0].w_q.as_ref(), None);
        Ok(())
    }

    #[test]
    fn heads_that_do_not_divide_are_refused_with_the_numbers() {
        let w_q = weights(&[("a.w_q", &[2, 15], vec![0.0; 30])]);
        let message = layers(&w_q, 7).expect_err("15 columns").to_string();
        assert!(message.starts_with("a.w_q has 15 columns, which n_heads = 7 does not divide"), "{message}");
        let w_o = weights(&[("w_o", &[15, 2], vec![0.0; 30])]);
        let message = layers(&w_o, 2).expect_err("15 rows").to_string();
        assert!(message.starts_with("w_o has 15 rows"), "{message}");
        assert!(matches!(layers(&w_o, 0), Err(InspectError::NoHeads)));
    }

    #[test]
    fn a_tensor_that_is_no_matrix_is_refused() {
        // An empty axis costs no memory, however long the other one is.
        for shape in [&[6][..], &[1, 2, 3], &[0, 6], &[6, 0], &[1 << 53, 0], &[]] {
            let count = shape.iter().product();
            let weights = weights(&[("w_k", shape, vec![0.0; count])]);
            let error = layers(&weights, 1);
            assert!(matches!(error, Err(InspectError::WrongShape { .. })), "{shape:?} {error:?}");
        }
    }

    #[test]
    fn a_number_of_heads_that_no_matrix_has_is_refused_before_it_costs_memory() {
        let heads = Heads { n_heads: 1 << 60, n_kv_heads: 1 };
        for name in ["w_k", "w_v", "a.w_k"] {
            let file = weights(&[(name, &[2, 3], vec![0.0; 6])]);
            let message = layers(&file, heads).expect_err("too many").to_string();
            assert!(message.contains("n_heads = 1152921504606846976 are too many"), "{message}");
        }
        let file = weights(&[("w_k", &[2, 3], vec![0.0; 6]), ("w_q", &[2, 3], vec![0.0; 6])]);
        assert!(matches!(layers(&file, heads), Err(InspectError::HeadsDoNotDivide { .. })));
    }
}
