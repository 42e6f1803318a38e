//! How sharp an attention map is, and where it looks relative to the query.

use crate::files::frames::snapshot::AttentionMap;

/// How far the sum of a query's weights may lie from one: BF16 rounds each weight by up to 1/512 of itself.
const ROUNDING: f64 = 1.0 / 256.0;

/// How widely one query spreads its attention.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entropy {
    /// `−Σ_j a_j ln a_j`, from 0 (one key gets everything) to `ln n_visible` (every visible key gets the same).
    pub nats: f64,
    /// Number of keys with any weight at all: hidden keys have exactly none.
    pub n_visible: usize,
    /// `nats / ln n_visible`, from 0 to 1; `None` where only one key was visible and there was no choice.
    pub share: Option<f64>,
}

/// Attention at one distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OffsetMean {
    /// Position of the key minus that of the query: -1 is the previous position.
    pub offset: isize,
    /// Mean weight over all queries that have a key there.
    pub mean: f64,
    /// Number of these queries.
    pub n_queries: usize,
}

impl AttentionMap {
    /// The entropy of each query's weights; `None` where they are no distribution: for a query that saw nothing, whose
    /// weights are all zero, and for weights that do not sum to one, as those of a softmax with a sink.
    ///
    /// The definition is Shannon's; that low entropy is learned, layer by layer, was measured by
    /// [Clark et al. 2019, section 3.2](https://arxiv.org/abs/1906.04341).
    pub fn entropies(&self) -> Vec<Option<Entropy>> {
        (0..self.weights.rows()).map(|query| entropy(self.weights.row(query))).collect()
    }

    /// The mean over the queries that have an entropy; `None` where none has.
    pub fn mean_entropy(&self) -> Option<f64> {
        let nats: Vec<f64> = self.entropies().into_iter().flatten().map(|entropy| entropy.nats).collect();
        (!nats.is_empty()).then(|| nats.iter().sum::<f64>() / nats.len() as f64)
    }

    /// Mean attention by relative position, from the key furthest before its query to the one furthest after. Queries
    /// that saw nothing or whose weights are no shares are left out, and offsets at which no other query has a key.
    pub fn offsets(&self) -> Vec<OffsetMean> {
        let (q_len, k_len) = (self.weights.rows() as isize, self.weights.columns() as isize);
        let queries: Vec<usize> = self.sharing_queries().collect();
        (1 - q_len..k_len)
            .filter_map(|offset| {
                let weight = |&query: &usize| {
                    let key = query.checked_add_signed(offset)?;
                    self.weights.row(query).get(key).copied()
                };
                let weights: Vec<f64> = queries.iter().filter_map(weight).collect();
                let n_queries = weights.len();
                let mean = weights.iter().sum::<f64>() / n_queries as f64;
                (n_queries > 0).then_some(OffsetMean { offset, mean, n_queries })
            })
            .collect()
    }

    /// The queries whose weights are shares of one: not negative, not all zero, with a sum of at most one.
    pub(crate) fn sharing_queries(&self) -> impl Iterator<Item = usize> {
        (0..self.weights.rows()).filter(|&query| total(self.weights.row(query)).is_some())
    }
}

/// The sum of weights that are shares of one; `None` where a weight is negative, NaN or infinite, where all are zero,
/// or where they sum to more than one.
fn total(weights: &[f64]) -> Option<f64> {
    let sum: f64 = weights.iter().sum();
    let are_shares = weights.iter().all(|&weight| weight >= 0.0) && sum > 0.0 && sum <= 1.0 + ROUNDING;
    are_shares.then_some(sum)
}

fn entropy(weights: &[f64]) -> Option<Entropy> {
    total(weights).filter(|sum| *sum >= 1.0 - ROUNDING)?;
    let visible = || weights.iter().copied().filter(|&weight| weight != 0.0);
    let n_visible = visible().count();
    let most = (n_visible as f64).ln();
    // Rounding may carry it past either end.
    let nats = visible().map(|a| -a * a.ln()).sum::<f64>().clamp(0.0, most);
    Some(Entropy { nats, n_visible, share: (n_visible > 1).then(|| nats / most) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::InspectError;
    use crate::matrix::dense::Matrix;

    fn map(rows: usize, columns: usize, weights: &[f64]) -> Result<AttentionMap, InspectError> {
        let weights = Matrix::new(rows, columns, weights.to_vec())?;
        Ok(AttentionMap::new("", 0, weights))
    }

    #[test]
    fn entropy_goes_from_one_key_to_all_that_are_visible() -> Result<(), InspectError> {
        let third = 1.0 / 3.0;
        let rows =
            [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [third, third, third], [0.0, 0.0, 0.0], [0.25, 0.75, 0.0]];
        let map = map(5, 3, rows.as_flattened())?;
        let found = map.entropies();
        assert_eq!(found[0], Some(Entropy { nats: 0.0, n_visible: 1, share: None }));
        assert_eq!(found[1], Some(Entropy { nats: 2f64.ln(), n_visible: 2, share: Some(1.0) }));
        assert!(
            found[2].is_some_and(|e| e.n_visible == 3 && e.share.is_some_and(|share| share > 1.0 - 1e-15))
        );
        assert_eq!(found[3], None);
        // ln 4 − 3/4 ln 3
        let nats = 4f64.ln() - 0.75 * 3f64.ln();
        assert!(found[4].is_some_and(|e| (e.nats - nats).abs() < 1e-15));
        let mean = (2f64.ln() + 3f64.ln() + nats) / 4.0;
        assert!(map.mean_entropy().is_some_and(|got| (got - mean).abs() < 1e-15));
        Ok(())
    }

    #[test]
    fn weights_that_are_no_distribution_have_no_figures() -> Result<(), InspectError> {
        let ones = [[1.0, 1.0], [-0.5, 1.5], [f64::NAN, 1.0], [f64::INFINITY, 0.0], [0.0, 0.0]];
        let none = map(5, 2, ones.as_flattened())?;
        assert_eq!((none.entropies(), none.mean_entropy()), (vec![None; 5], None));
        assert!(none.offsets().is_empty());
        let square = map(2, 2, &[-1.0, 2.0, 3.0, f64::NAN])?;
        assert_eq!(square.scores(&["a".to_owned(), "a".to_owned()]), crate::HeadScores::default());
        // A sink took half of the attention: shares exist, an entropy does not.
        let half = map(2, 2, &[0.5, 0.0, 0.25, 0.25])?;
        assert_eq!(half.mean_entropy(), None);
        assert_eq!((half.offsets().len(), half.scores(&[]).previous_token), (3, Some(0.25)));
        // The rounding of BF16 weights.
        let rounded = map(1, 3, &[0.33398438, 0.33398438, 0.33398438])?;
        assert!(rounded.mean_entropy().is_some_and(|nats| (nats - 3f64.ln()).abs() < 1e-3));
        Ok(())
    }
}
