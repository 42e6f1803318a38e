//! Matrices that a model goes without: queries, keys or values that are the input itself.

use std::borrow::Cow;

use qkv_run::PROJECTIONS_KEY;
use qkv_run::tensor_names::{W_K, W_Q, W_V, WATCHED};

use crate::files::config::CheckpointConfig;
use crate::files::layers::LayerWeights;
use crate::matrix::dense::Matrix;

/// The word of a config for a matrix that is absent.
const NONE: &str = "none";

impl CheckpointConfig {
    /// Whether W_Q, W_K and W_V are the identity by the config: `model.projections`, or its key for each.
    ///
    /// ```
    /// use qkv_inspect::CheckpointConfig;
    ///
    /// let absent = |model: &str| Ok::<_, qkv_inspect::InspectError>(CheckpointConfig::of_toml(model, &[])?.absent());
    /// assert_eq!(absent("model.projections = \"none\"")?, [true; 3]);
    /// assert_eq!(absent("model.projections = { w_q = \"frozen\", w_k = \"none\" }")?, [false, true, false]);
    /// # Ok::<(), qkv_inspect::InspectError>(())
    /// ```
    pub fn absent(&self) -> [bool; 3] {
        self.projections().map(|words| words.map(|word| word == NONE)).unwrap_or_default()
    }

    /// The words for W_Q, W_K and W_V; an empty one where the table lacks it, `None` where nothing is known of all.
    pub(crate) fn projections(&self) -> Option<[&str; 3]> {
        let word = |key: &str| self.settings.get(key).map(String::as_str);
        let each = WATCHED.map(|matrix| word(&format!("{PROJECTIONS_KEY}.{matrix}")));
        match word(PROJECTIONS_KEY) {
            Some(word) => Some([word; 3]),
            None => each.iter().any(Option::is_some).then(|| each.map(Option::unwrap_or_default)),
        }
    }

    /// Whether queries, keys and values are the input itself.
    pub(crate) fn has_no_projections(&self) -> bool {
        self.absent() == [true; 3]
    }
}

impl LayerWeights {
    /// The same layer with its columns of the identity in the place of each matrix that the config says is absent, so
    /// that circuits show what the layer computes. A layer that has none of the three stays as it is: what they would
    /// show follows from the vectors of tokens and positions alone.
    pub fn with_identities(&self, config: &CheckpointConfig) -> Cow<'_, Self> {
        let absent = config.absent();
        if absent == [false; 3] {
            return Cow::Borrowed(self);
        }
        let n_heads = self.heads.len();
        let mut layer = self.clone();
        for (index, head) in layer.heads.iter_mut().enumerate() {
            let there = [&head.w_q, &head.w_k, &head.w_v].into_iter().flatten().next();
            let Some(d_in) = there.map(Matrix::rows).filter(|d_in| d_in.is_multiple_of(n_heads)) else {
                continue;
            };
            let part = |across| columns_of_identity(d_in, d_in / n_heads, index).with_axes("d_in", across);
            let matrices = [(W_Q, &mut head.w_q), (W_K, &mut head.w_k), (W_V, &mut head.w_v)];
            for ((name, matrix), is_absent) in matrices.into_iter().zip(absent) {
                if is_absent && matrix.is_none() {
                    *matrix = Some(part(if name == W_V { "d_v" } else { "d_k" }));
                }
            }
        }
        Cow::Owned(layer)
    }
}

/// Columns `head · width ..` of the identity.
fn columns_of_identity(d_in: usize, width: usize, head: usize) -> Matrix {
    let mut values = vec![0.0; d_in * width];
    for column in 0..width {
        values[(head * width + column) * width + column] = 1.0;
    }
    Matrix::new(d_in, width, values).expect("as many values as it was made with")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::InspectError;
    use crate::files::layers::layers;
    use crate::fixtures::weights;

    #[test]
    fn a_circuit_is_what_the_layer_computes_where_a_matrix_is_absent() -> Result<(), InspectError> {
        // Two heads of a stream of four; queries are the input itself.
        let w_k: Vec<f32> = (1..=16).map(|i| i as f32).collect();
        let file = weights(&[("a.w_k", &[4, 4], w_k.clone())]);
        let config = CheckpointConfig::of_toml("model.projections = { w_q = \"none\" }", &[])?;
        let layer = &layers(&file, 2)?[0];
        assert!(layer.qk(1).is_none());
        let whole = layer.with_identities(&config);
        // A query's components 2 and 3 meet columns 2 and 3 of the keys.
        let qk = whole.qk(1).expect("both are there").product();
        for (row, column) in (0..4).flat_map(|row| (0..4).map(move |column| (row, column))) {
            let expected = if row < 2 { 0.0 } else { f64::from(w_k[4 * column + row]) };
            assert_eq!(qk.at(row, column), expected, "{row} {column}");
        }
        assert_eq!(
            (whole.heads[0].w_v.as_ref(), &*layer.with_identities(&CheckpointConfig::default())),
            (None, layer)
        );
        Ok(())
    }

    #[test]
    fn a_layer_without_any_of_the_three_stays_as_it_is() -> Result<(), InspectError> {
        let config = CheckpointConfig::of_toml("model.projections = \"none\"", &[])?;
        let layer = &layers(&weights(&[("a.w_o", &[2, 2], vec![1.0; 4])]), 1)?[0];
        assert_eq!(&*layer.with_identities(&config), layer);
        Ok(())
    }
}
