//! Muon, in tensor operations, with AdamW for what is no map.

use burn::tensor::Tensor;
use qkv_model::fused::GlobalNorm;
use serde::{Deserialize, Serialize};

use super::adam_w::{check_decay, check_memory};
use super::{
    AdamW, Gradient, Optimizer, ParameterInfo, ParameterKind, StateTensor, StateTensors, Update, Updated,
};
use crate::error::TrainError;

/// `muon`: momentum whose singular values are all brought near 1
/// ([Jordan et al. 2024](https://kellerjordan.github.io/posts/muon/)), as PyTorch does it; plain.
///
/// ```text
/// m = momentum · m + (1 - momentum) g
/// u = (1 - momentum) g + momentum · m               or m, if not nesterov
/// w = w - lr · weight_decay · w - lr · ratio · orthogonal(u)
///
/// orthogonal(u):  X = u / ‖u‖, then five times  X = 3.4445 X - 4.7750 (X Xᵀ) X + 2.0315 (X Xᵀ)² X
/// ```
///
/// It updates the matrices `[d_in, d_out]` between features; tables of vectors, outputs, vectors and stacks of matrices
/// are AdamW's. The ratio follows the shape, as `adjust_lr_fn` of `torch.optim.Muon` does, whose matrices are `[d_out,
/// d_in]`: see [`AdjustLr`]. The defaults are those of PyTorch; a run has them in its config, so that one that began with
/// others goes on with its own. PyTorch computes `orthogonal` in bfloat16, this one in the precision of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Muon {
    /// Memory of the mean of the gradient, in `[0, 1)`; 0.95.
    pub momentum: f64,
    /// Whether the newest gradient counts twice; true.
    pub nesterov: bool,
    /// Pull towards zero, on maps only; 0.1.
    pub weight_decay: f64,
    /// Steps towards singular values of 1; 5.
    pub newton_schulz_steps: usize,
    /// How long a step is; `original`. With `match-rms-adamw`, one rate serves Muon and AdamW alike.
    pub adjust_lr: AdjustLr,
    /// The rate of AdamW for the other parameters, as a share of that of the config; 1.
    pub adam_w_share: f64,
    /// See [`AdamW::beta_1`].
    pub beta_1: f64,
    /// See [`AdamW::beta_2`].
    pub beta_2: f64,
    /// See [`AdamW::epsilon`].
    pub epsilon: f64,
}

/// What Muon multiplies the rate by for a matrix `[d_in, d_out]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdjustLr {
    /// `√max(1, d_out / d_in)`, as Jordan et al. have it and `torch.optim.Muon` by default.
    Original,
    /// `0.2 √max(d_in, d_out)`, which gives a step the root mean square of those of AdamW
    /// ([Liu et al. 2025](https://arxiv.org/abs/2502.16982)): PyTorch's `match_rms_adamw`.
    MatchRmsAdamw,
    /// `√(d_out / d_in)`, the scale of a map between root mean squares
    /// ([Bernstein 2025](https://jeremybernste.in/writing/deriving-muon)).
    SpectralUnclamped,
}

/// The running mean of the gradient.
const MOMENTUM: &str = "momentum";

/// The quintic polynomial of a Newton–Schulz step, whose slope at zero is as large as it can be while singular values
/// stay near 1.
const COEFFICIENTS: [f64; 3] = [3.4445, -4.7750, 2.0315];

/// The least norm that a matrix is divided by: that of a gradient of zeros.
const LEAST_NORM: f64 = 1e-7;

/// That of PyTorch; more than five bring little.
const MOST_STEPS: usize = 99;

impl Default for Muon {
    fn default() -> Self {
        let AdamW { beta_1, beta_2, epsilon, .. } = AdamW::default();
        Self {
            momentum: 0.95,
            nesterov: true,
            weight_decay: 0.1,
            newton_schulz_steps: 5,
            adjust_lr: AdjustLr::Original,
            adam_w_share: 1.0,
            beta_1,
            beta_2,
            epsilon,
        }
    }
}

impl Muon {
    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn build(&self) -> Result<Self, TrainError> {
        let Self { momentum, weight_decay, newton_schulz_steps, adam_w_share, .. } = *self;
        check_memory("optimizer.momentum", momentum)?;
        check_decay(weight_decay)?;
        TrainError::between("optimizer.newton_schulz_steps", newton_schulz_steps, 1, MOST_STEPS)?;
        TrainError::check_number("optimizer.adam_w_share", adam_w_share, "above 0", adam_w_share > 0.0)?;
        self.adam_w().build()?;
        Ok(*self)
    }

    fn adam_w(&self) -> AdamW {
        let Self { beta_1, beta_2, epsilon, weight_decay, .. } = *self;
        AdamW { beta_1, beta_2, epsilon, weight_decay }
    }

    /// What the rate is multiplied by.
    fn ratio(&self, [d_in, d_out]: [usize; 2]) -> f64 {
        match self.adjust_lr {
            AdjustLr::Original => (d_out as f64 / d_in as f64).max(1.0).sqrt(),
            AdjustLr::MatchRmsAdamw => 0.2 * (d_in.max(d_out) as f64).sqrt(),
            AdjustLr::SpectralUnclamped => (d_out as f64 / d_in as f64).sqrt(),
        }
    }
}

impl Optimizer for Muon {
    fn state(&self, parameter: &ParameterInfo) -> Vec<StateTensor> {
        match matrix(parameter) {
            Some(_) => vec![StateTensor { name: MOMENTUM, n: parameter.n() }],
            None => self.adam_w().state(parameter),
        }
    }

    fn update(
        &self,
        update: &Update<'_>,
        weights: Tensor<1>,
        gradient: Gradient,
        state: &mut StateTensors,
    ) -> Updated {
        let rate = update.learning_rate;
        let Some(shape) = matrix(update.parameter) else {
            let decay = update.parameter.decay(self.weight_decay);
            let update = Update { learning_rate: rate * self.adam_w_share, ..*update };
            return self.adam_w().update_with(&update, decay, weights, gradient, state);
        };
        let gradient = gradient.clipped();
        let mean = |of: Tensor<1>, with: Tensor<1>| {
            of.mul_scalar(self.momentum) + with.mul_scalar(1.0 - self.momentum)
        };
        let momentum = mean(state.take(MOMENTUM), gradient.clone());
        state.put(MOMENTUM, momentum.clone());
        let direction = if self.nesterov { mean(momentum, gradient) } else { momentum };
        let direction = orthogonal(direction.reshape(shape), self.newton_schulz_steps);
        let change = direction.reshape([update.parameter.n()]).mul_scalar(rate * self.ratio(shape));
        Updated::from(weights.mul_scalar(1.0 - rate * self.weight_decay) - change)
    }
}

/// The shape of a parameter that is one matrix between features.
fn matrix(parameter: &ParameterInfo) -> Option<[usize; 2]> {
    let shape = <[usize; 2]>::try_from(&parameter.shape[..]).ok()?;
    (parameter.kind == ParameterKind::Map).then_some(shape)
}

/// The matrix with its singular values brought near 1.
fn orthogonal(matrix: Tensor<2>, n_steps: usize) -> Tensor<2> {
    let [n_rows, n_columns] = matrix.dims();
    // The smaller of the two products.
    let is_tall = n_rows > n_columns;
    let mut norm = GlobalNorm::default();
    norm.add(&matrix);
    let mut x = matrix.div_scalar(norm.value().max(LEAST_NORM));
    if is_tall {
        x = x.transpose();
    }
    let [a, b, c] = COEFFICIENTS;
    for _ in 0..n_steps {
        let gram = x.clone().matmul(x.clone().transpose());
        let polynomial = gram.clone().mul_scalar(b) + gram.clone().matmul(gram).mul_scalar(c);
        x = polynomial.matmul(x.clone()) + x.mul_scalar(a);
    }
    if is_tall { x.transpose() } else { x }
}
