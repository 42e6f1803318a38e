//! One choice among the many W_Q and W_K that mean the same.

use nalgebra::{DMatrix, QR};

use crate::error::{InspectError, NoGauge};
use crate::files::config::CheckpointConfig;
use crate::files::layers::HeadWeights;
use crate::matrix::dense::Matrix;
use crate::matrix::singular_vectors::{Decomposition, decompose};

impl CheckpointConfig {
    /// Whether every invertible change of basis leaves the scores as they are.
    ///
    /// # Errors
    /// Why not.
    pub fn gauge_is_free(&self) -> Result<(), NoGauge> {
        match self.score.as_deref() {
            Some("dot" | "scaled-dot") => {}
            Some(other) => return Err(NoGauge::Score(other.to_owned())),
            None => return Err(NoGauge::Unsaid("score")),
        }
        match self.positions.as_deref() {
            // They act on the input of the model, or on the scores.
            Some("none" | "learned" | "sinusoidal" | "alibi") => {}
            Some("rope") => return Err(NoGauge::Rotary),
            Some(other) => return Err(NoGauge::Positions(other.to_owned())),
            None => return Err(NoGauge::Unsaid("positions")),
        }
        match self.absent() {
            _ if self.qk_norm => Err(NoGauge::Normalised),
            [false, false, _] => Ok(()),
            // The identity is one of them, and no other.
            _ => Err(NoGauge::NoCircuit),
        }
    }
}

impl HeadWeights {
    /// The same head with queries and keys in the basis in which they are equally large, dimension by dimension, and
    /// the dimensions are orthogonal and sorted by their part in the scores.
    ///
    /// For every invertible `A`, W_Q A and W_K A⁻ᵀ give the scores of W_Q and W_K, so that two training runs may differ
    /// in these matrices and agree in everything that can be observed. Of all these pairs this is the one that a
    /// singular value decomposition picks; biases are one more row of their matrices.
    ///
    /// ```text
    /// [W_Q; b_Q] [W_K; b_K]ᵀ = U Σ Vᵀ        [W_Q'; b_Q'] = U √Σ        [W_K'; b_K'] = V √Σ
    /// ```
    ///
    /// The sign of each dimension is that which makes the largest value of its column of W_Q' positive; where singular
    /// values coincide, the basis of their dimensions is arbitrary. It also is the pair of least `‖W_Q‖² + ‖W_K‖²`.
    /// Query heads that share keys get a W_K' each.
    ///
    /// # Errors
    /// [`InspectError::NoGauge`] where `config` does not leave the basis free or a matrix is missing; otherwise if a
    /// value is NaN or infinite, or the iteration does not settle within a bound.
    pub fn balanced(&self, config: &CheckpointConfig) -> Result<Self, InspectError> {
        config.gauge_is_free()?;
        let (w_q, w_k) = self.w_q.as_ref().zip(self.w_k.as_ref()).ok_or(NoGauge::NoCircuit)?;
        let biased = self.b_q.is_some() || self.b_k.is_some();
        let q = with_bias(w_q, self.b_q.as_ref(), biased).ok_or(NoGauge::NoCircuit)?;
        let k = with_bias(w_k, self.b_k.as_ref(), biased).ok_or(NoGauge::NoCircuit)?;
        if q.columns() != k.columns() {
            return Err(NoGauge::NoCircuit.into());
        }
        let [q, k] = balance(&q, &k)?;
        let matrix = |of: &Matrix, like: &Matrix| {
            let [down, across] = like.axes();
            of.slice_rows(0..like.rows()).with_axes(down, across)
        };
        let bias = |of: &Matrix, like: &Matrix| biased.then(|| of.slice_rows(like.rows()..of.rows()));
        Ok(Self {
            b_q: bias(&q, w_q),
            b_k: bias(&k, w_k),
            w_q: Some(matrix(&q, w_q)),
            w_k: Some(matrix(&k, w_k)),
            ..self.clone()
        })
    }

    /// The same pair with its dimensions in the order and with the signs in which they resemble those of `before` most,
    /// as far as both have as many: a change of order or of a sign in both matrices changes no score.
    ///
    /// ```text
    /// likeness(i, j) = column i of W_Q before · column j of W_Q + the same of W_K
    /// ```
    ///
    /// The pair of dimensions that are most alike, up to their sign, comes together first.
    pub(crate) fn aligned_with(&self, before: &Self) -> Self {
        let likeness = |name: fn(&Self) -> &Option<Matrix>| {
            let (before, now) = (name(before).as_ref()?, name(self).as_ref()?);
            (before.size() == now.size()).then(|| before.transpose().multiply(now))
        };
        let Some((of_q, of_k)) = likeness(|head| &head.w_q).zip(likeness(|head| &head.w_k)) else {
            return self.clone();
        };
        let n = of_q.rows();
        let alike = |i: usize, j: usize| of_q.at(i, j) + of_k.at(i, j);
        let mut pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).collect();
        // Of equals the first, so that the order does not depend on the sorting.
        pairs.sort_by(|&(a, b), &(c, d)| {
            alike(c, d).abs().total_cmp(&alike(a, b).abs()).then((a, b).cmp(&(c, d)))
        });
        let (mut source, mut is_taken) = (vec![None; n], vec![false; n]);
        for (i, j) in pairs {
            if source[i].is_none() && !is_taken[j] {
                is_taken[j] = true;
                source[i] = Some((j, if alike(i, j) < 0.0 { -1.0 } else { 1.0 }));
            }
        }
        let source: Vec<(usize, f64)> = source.into_iter().flatten().collect();
        let moved = |matrix: &Option<Matrix>| {
            let matrix = matrix.as_ref()?;
            let [down, across] = matrix.axes();
            let row = |row: usize| source.iter().map(move |&(column, sign)| sign * matrix.at(row, column));
            let values = (0..matrix.rows()).flat_map(row).collect();
            Some(Matrix::new(matrix.rows(), n, values).ok()?.with_axes(down, across))
        };
        Self {
            w_q: moved(&self.w_q),
            w_k: moved(&self.w_k),
            b_q: moved(&self.b_q),
            b_k: moved(&self.b_k),
            ..self.clone()
        }
    }
}

/// The bias below its matrix; zeros where only the other one has a bias. `None` where it has another width.
fn with_bias(matrix: &Matrix, bias: Option<&Matrix>, biased: bool) -> Option<Matrix> {
    if !biased {
        return Some(matrix.clone());
    }
    let zeros = vec![0.0; matrix.columns()];
    let values = [matrix.values(), bias.map_or(&zeros, |bias| bias.values())].concat();
    Matrix::new(matrix.rows() + 1, matrix.columns(), values).ok()
}

/// `U √Σ` and `V √Σ` of `q kᵀ = U Σ Vᵀ`, as wide as `q` and `k`.
fn balance(q: &Matrix, k: &Matrix) -> Result<[Matrix; 2], InspectError> {
    let ((q_values, q_scale), (k_values, k_scale)) = (q.finite()?, k.finite()?);
    let (q_qr, k_qr) = (QR::new(q_values), QR::new(k_values));
    let Decomposition { left, right } = decompose(&(q_qr.r() * k_qr.r().transpose()))?;
    // The square roots are taken apart, so that the product of large scales cannot overflow.
    let scale = q_scale.sqrt() * k_scale.sqrt();
    let (mut left, mut right) = (q_qr.q() * left * scale, k_qr.q() * right * scale);
    for column in 0..left.ncols() {
        let values = left.column(column);
        let largest = values.iter().copied().fold(0.0f64, |a, b| if b.abs() > a.abs() { b } else { a });
        if largest < 0.0 {
            left.column_mut(column).neg_mut();
            right.column_mut(column).neg_mut();
        }
    }
    let widened = |matrix: DMatrix<f64>| Matrix::from_nalgebra(&matrix.resize_horizontally(q.columns(), 0.0));
    Ok([widened(left)?, widened(right)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(score: &str, positions: &str) -> CheckpointConfig {
        let (score, positions) = (Some(score.to_owned()), Some(positions.to_owned()));
        CheckpointConfig { score, positions, ..CheckpointConfig::default() }
    }

    #[test]
    fn the_gauge_is_free_only_for_dot_products_of_what_the_matrices_make() {
        for positions in ["none", "learned", "sinusoidal", "alibi"] {
            for score in ["dot", "scaled-dot"] {
                assert_eq!(table(score, positions).gauge_is_free(), Ok(()));
            }
        }
        let normalised = CheckpointConfig { qk_norm: true, ..table("dot", "none") };
        let unsaid = CheckpointConfig { positions: None, ..table("dot", "none") };
        for (table, expected) in [
            (table("additive", "none"), NoGauge::Score("additive".to_owned())),
            (table("mine", "rope"), NoGauge::Score("mine".to_owned())),
            (table("dot", "rope"), NoGauge::Rotary),
            (table("dot", "mine"), NoGauge::Positions("mine".to_owned())),
            (normalised, NoGauge::Normalised),
            (unsaid, NoGauge::Unsaid("positions")),
            (CheckpointConfig::default(), NoGauge::Unsaid("score")),
        ] {
            assert_eq!(table.gauge_is_free(), Err(expected));
        }
    }

    #[test]
    fn the_balanced_gauge_agrees_with_one_worked_out_by_hand() -> Result<(), InspectError> {
        // W_Q W_Kᵀ = [2; 0] [8, 0] = 16 e_1 e_1ᵀ, so both become 4 e_1.
        let head = HeadWeights {
            w_q: Some(Matrix::new(2, 1, vec![-2.0, 0.0])?),
            w_k: Some(Matrix::new(2, 1, vec![-8.0, 0.0])?),
            ..HeadWeights::default()
        };
        let balanced = head.balanced(&table("dot", "none"))?;
        for matrix in [&balanced.w_q, &balanced.w_k] {
            let values = matrix.as_ref().map(|m| m.values().to_vec()).unwrap_or_default();
            assert!((values[0] - 4.0).abs() < 1e-14 && values[1].abs() < 1e-14, "{values:?}");
        }
        assert_eq!(balanced.b_q, None);
        Ok(())
    }

    #[test]
    fn dimensions_keep_their_order_and_sign_from_frame_to_frame() -> Result<(), InspectError> {
        let head = |w_q: [f64; 6], w_k: [f64; 6], b_k: [f64; 3]| {
            Ok::<_, InspectError>(HeadWeights {
                w_q: Some(Matrix::new(2, 3, w_q.to_vec())?),
                w_k: Some(Matrix::new(2, 3, w_k.to_vec())?),
                b_k: Some(Matrix::new(1, 3, b_k.to_vec())?),
                ..HeadWeights::default()
            })
        };
        let before = head([5.0, 0.0, 1.0, 0.0, 3.0, 1.0], [5.0, 0.0, 0.0, 0.0, 3.0, 1.0], [1.0, 2.0, 3.0])?;
        // The second dimension has become the longest, and the first has changed its sign.
        let now = head([0.0, -4.0, 1.0, 6.0, 0.0, 1.0], [0.0, -4.0, 0.0, 6.0, 0.0, 1.0], [2.0, -1.0, 3.0])?;
        let aligned = now.aligned_with(&before);
        let expected = head([4.0, 0.0, 1.0, 0.0, 6.0, 1.0], [4.0, 0.0, 0.0, 0.0, 6.0, 1.0], [1.0, 2.0, 3.0])?;
        assert_eq!(aligned, expected);
        assert_eq!(before.aligned_with(&HeadWeights::default()), before);
        Ok(())
    }

    #[test]
    fn what_has_no_gauge_says_why() -> Result<(), InspectError> {
        let half = HeadWeights { w_q: Some(Matrix::new(1, 1, vec![1.0])?), ..HeadWeights::default() };
        let message = half.balanced(&table("dot", "none")).expect_err("no w_k").to_string();
        assert_eq!(message, "w_q and w_k are not both there with the same d_k");
        let message = half.balanced(&table("dot", "rope")).expect_err("rope").to_string();
        assert!(message.ends_with("rotary positions tie queries and keys to their basis"), "{message}");
        Ok(())
    }
}
