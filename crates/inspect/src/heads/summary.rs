//! One line of numbers for every matrix of every head.

use crate::error::InspectError;
use crate::files::layers::{LayerWeights, matrices};
use crate::files::source::Source;
use crate::matrix::dense::Matrix;
use crate::matrix::movement::Movement;
use crate::matrix::spectrum::Spectrum;

/// What one matrix of one head looks like in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Name of the layer, such as `blocks.0.attention`.
    pub layer: String,
    /// Index of the head.
    pub head: usize,
    /// `w_q`, `w_k`, `w_v` or `w_o`.
    pub matrix: &'static str,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Frobenius norm.
    pub norm: f64,
    /// Its singular values; `None` where a value is NaN or infinite.
    pub spectrum: Option<Spectrum>,
    /// How far it moved; `None` where the weights before the first update are not there.
    pub moved: Option<Movement>,
}

/// Every matrix of every head, in the order of layers, heads and names.
///
/// # Errors
/// As [`Source::layers`], or if the matrices had another size before the first update.
pub fn summarize(source: &Source) -> Result<Vec<Summary>, InspectError> {
    let layers = source.layers()?;
    let start = source.start_layers()?.unwrap_or_default();
    let summary = |(layer, head, name, matrix): (&LayerWeights, usize, &'static str, &Matrix)| {
        let before = start.iter().find(|before| before.prefix == layer.prefix);
        let before = before.and_then(|before| before.matrix(head, name));
        Ok(Summary {
            layer: layer.prefix.clone(),
            head,
            matrix: name,
            rows: matrix.rows(),
            columns: matrix.columns(),
            norm: matrix.norm(),
            spectrum: matrix.spectrum().ok(),
            moved: before.map(|before| matrix.moved_from(before)).transpose()?,
        })
    };
    matrices(&layers).map(summary).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::run_folder;

    #[test]
    fn a_summary_has_a_line_for_every_matrix_of_every_head() -> Result<(), Box<dyn std::error::Error>> {
        // One matrix of shape [1, 6] that went from all 1 to all 3, shared by three heads.
        let folder = run_folder(&[0, 2])?;
        let summaries = summarize(&Source::open(folder.path())?)?;
        let places: Vec<_> = summaries.iter().map(|s| (s.layer.as_str(), s.head, s.matrix)).collect();
        assert_eq!(places, [("a", 0, "w_q"), ("a", 1, "w_q"), ("a", 2, "w_q")]);
        let summary = &summaries[1];
        assert_eq!((summary.rows, summary.columns), (1, 2));
        assert_eq!(summary.spectrum.as_ref().map(Spectrum::rank), Some(1));
        assert!((summary.norm - 18f64.sqrt()).abs() < 1e-14);
        let moved = summary.moved.expect("step 0 is there");
        assert!(moved.distance.is_some_and(|d| (d - 2.0).abs() < 1e-14));
        assert!(moved.cosine.is_some_and(|c| (c - 1.0).abs() < 1e-14));
        Ok(())
    }
}
