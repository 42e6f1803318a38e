//! How back-propagation reached W_Q, W_K and W_V, head by head.

use qkv_run::tensor_names::{GRADIENT, UPDATE, WATCHED, split};

use crate::error::InspectError;
use crate::files::config::Heads;
use crate::files::layers::{LayerWeights, is_gradient, split_heads};
use crate::files::weights::Weights;
use crate::matrix::dense::Matrix;

/// What one update asked of one matrix of one head, and what it got.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientFlow {
    /// Name of the layer, such as `blocks.0.attention`.
    pub layer: String,
    /// Index of the head.
    pub head: usize,
    /// `w_q`, `w_k` or `w_v`.
    pub matrix: &'static str,
    /// ‖d(loss)/dW‖ over the columns of this head, before clipping.
    pub gradient: f64,
    /// ‖W(step) - W(step - 1)‖ / ‖W(step)‖; `None` where the matrix is not known or is zero.
    pub update: Option<f64>,
}

impl GradientFlow {
    /// Reads the tensors `<layer>.w_q.gradient`, `[rows, columns]` or the norms of its `[columns]`, and
    /// `<layer>.w_q.update` of a snapshot, the norms of the `[columns]` of the last change. `layers` are the matrices
    /// after the change.
    ///
    /// ```text
    /// ‖d(loss)/dW_Q‖ of head h = √(Σ over columns h·d_k .. (h+1)·d_k of column norm²)
    /// ```
    ///
    /// # Errors
    /// If a number of heads does not divide the columns.
    pub fn read(file: &Weights, heads: Heads, layers: &[LayerWeights]) -> Result<Vec<Self>, InspectError> {
        let mut flows = Vec::new();
        for name in file.names() {
            let Some(of) = name.strip_suffix(GRADIENT) else { continue };
            let (layer, last) = split(of);
            let Some(matrix) = WATCHED.into_iter().find(|matrix| *matrix == last) else { continue };
            let gradients = norms(file, name, matrix, heads)?;
            let changed = format!("{of}{UPDATE}");
            let updates = match file.shape(&changed) {
                Some(_) => norms(file, &changed, matrix, heads)?,
                None => Vec::new(),
            };
            let weights = layers.iter().find(|found| found.prefix == layer);
            for (head, gradient) in gradients.into_iter().enumerate() {
                let norm = weights.and_then(|layer| layer.matrix(head, matrix)).map(Matrix::norm);
                let norm = norm.filter(|norm| *norm > 0.0);
                let update = updates.get(head).zip(norm).map(|(change, norm)| change / norm);
                flows.push(Self { layer: layer.to_owned(), head, matrix, gradient, update });
            }
        }
        Ok(flows)
    }
}

/// The norm over the columns of each query head.
fn norms(file: &Weights, name: &str, matrix: &str, heads: Heads) -> Result<Vec<f64>, InspectError> {
    let of_all = if is_gradient(file, name) { file.matrix(name)? } else { file.row(name)? };
    let parts = split_heads(matrix, of_all, name, heads)?;
    Ok(parts.into_iter().map(|part| part.norm()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::layers::layers;
    use crate::fixtures::weights;

    #[test]
    fn a_head_has_the_norm_of_its_columns() -> Result<(), InspectError> {
        // Two query heads of three columns share one key head.
        let heads = Heads { n_heads: 2, n_kv_heads: 1 };
        let file = weights(&[
            ("a.w_q", &[1, 6], vec![0.0, 0.0, 0.0, 6.0, 0.0, 8.0]),
            ("a.w_q.gradient", &[6], vec![1.0, 2.0, 2.0, 0.0, 3.0, 4.0]),
            ("a.w_q.update", &[6], vec![1.0, 1.0, 1.0, 0.0, 0.0, 5.0]),
            // The gradient itself: columns of the norms 0, 6 and 8.
            ("a.w_k.gradient", &[2, 3], vec![0.0, 6.0, 0.0, 0.0, 0.0, 8.0]),
            // A layer at the root.
            ("w_v", &[1, 3], vec![3.0, 0.0, 4.0]),
            ("w_v.gradient", &[3], vec![1.0, 2.0, 2.0]),
            ("w_v.update", &[3], vec![1.5, 2.0, 0.0]),
        ]);
        let flows = GradientFlow::read(&file, heads, &layers(&file, heads)?)?;
        let found: Vec<_> =
            flows.iter().map(|flow| (flow.matrix, flow.head, flow.gradient, flow.update)).collect();
        let expected = [
            ("w_k", 0, 10.0, None),
            ("w_k", 1, 10.0, None),
            // The first head's matrix is zero, so that no ratio exists.
            ("w_q", 0, 3.0, None),
            ("w_q", 1, 5.0, Some(0.5)),
            ("w_v", 0, 3.0, Some(0.5)),
            ("w_v", 1, 3.0, Some(0.5)),
        ];
        assert_eq!(found, expected);
        Ok(())
    }
}
