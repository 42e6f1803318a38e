//! The oracle of every hand-written or automatic backward: central differences of the loss, in `f64`.

use burn::Tensor;
use burn::module::{Module, ModuleMapper, Param};
use qkv_model::parameters;

use crate::support::module_gradients::{gradients, largest};
use crate::support::numbers::{random, tensor, values};

/// What |analytic - numeric| may be, relative to the larger of the two.
///
/// Entries below 1e-6 of the largest of their tensor are measured against that, because there the numeric value is
/// rounding alone.
const TOLERANCE: f64 = 1e-6;

/// Distance between the points of the stencil. Its truncation is `h^6/140`, 1e-17, times a seventh derivative that
/// softmax may drive to 1e4; the rounding of the outputs, 1e-16, is divided by `h`.
const STEP: f64 = 1.0 / 256.0;

/// Weights of `f(x+h) - f(x-h)`, `f(x+2h) - f(x-2h)` and `f(x+3h) - f(x-3h)` in the sixth-order central difference.
const STENCIL: [f64; 3] = [45.0 / 60.0, -9.0 / 60.0, 1.0 / 60.0];

/// A scalar that uses every output; see [`check`].
pub fn functional<const D: usize>(y: Tensor<D>) -> Tensor<1> {
    let shape = y.dims();
    let c = tensor((&y.device(), y.dtype()), &coefficients(shape.iter().product()), shape);
    ((y.clone().mul_scalar(0.5) + c) * y).sum()
}

fn coefficients(n_outputs: usize) -> Vec<f64> {
    random("functional", n_outputs)
}

/// Which scalars of each parameter are compared.
pub enum Scalars {
    /// Every one.
    All,
    /// The one with the largest gradient, and this many others.
    Sample(usize),
}

/// Compares gradients of a scalar that uses every output `y`, each with another weight and to second order,
///
/// ```text
/// L = Σ c·y + ½ Σ y²
/// ```
///
/// in `learning`, which lives on an autodiff device, with differences around `plain`, the same module without autodiff.
/// A parameter whose path `is_zero` names must have no gradient but rounding, and a frozen one must have none at all.
#[track_caller]
pub fn check<M: Module, const D: usize>(
    what: &str,
    [learning, plain]: [&M; 2],
    scalars: &Scalars,
    is_zero: impl Fn(&str) -> bool,
    forward: impl Fn(&M) -> Tensor<D>,
) {
    let all = gradients(learning, &functional(forward(learning)));
    let scale = all.iter().flat_map(|gradient| gradient.values.as_deref()).map(largest).fold(0.0, f64::max);
    let is_learned: Vec<bool> = parameters(learning).iter().map(|parameter| parameter.learned).collect();
    let at = |nudge: Nudge| values(&forward(&plain.clone().map(&mut { nudge })));
    for (parameter_idx, gradient) in all.iter().enumerate() {
        let path = &gradient.path;
        if !is_learned[parameter_idx] {
            assert_eq!(gradient.values, None, "{what}, {path}, which is frozen");
            continue;
        }
        let analytic = gradient.values.as_deref().expect(path);
        let top = largest(analytic);
        if is_zero(path) {
            // A sum of a few hundred terms of either sign, each rounded to 1e-16 of the largest.
            assert!(top <= 1e-15 * scale, "{what}, {path}: {top} beside {scale}");
            continue;
        }
        assert!(top > 0.0, "{what}, {path}: all zero");
        for scalar_idx in scalars.of(analytic) {
            let numeric = derivative(|offset| at(Nudge { parameter_idx, scalar_idx, offset, visited: 0 }));
            let analytic = analytic[scalar_idx];
            let ratio = (analytic - numeric).abs() / analytic.abs().max(numeric.abs()).max(1e-6 * top);
            assert!(
                ratio <= TOLERANCE,
                "{what}, {path}[{scalar_idx}]: {analytic} from back-propagation, {numeric} from differences, {ratio:.1e} apart"
            );
        }
    }
}

impl Scalars {
    fn of(&self, gradient: &[f64]) -> Vec<usize> {
        match self {
            Self::All => (0..gradient.len()).collect(),
            Self::Sample(n_others) => {
                let steepest =
                    (0..gradient.len()).max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs()));
                // A prime stride walks over all rows and columns.
                let others = (0..*n_others).map(|n| (n * 7919 + 1) % gradient.len());
                steepest.into_iter().chain(others).collect()
            }
        }
    }
}

/// The derivative of `L`, given the outputs at any distance.
///
/// `L₊ - L₋ = Σ (y₊ - y₋) (c + (y₊ + y₋)/2)` subtracts before it sums, which loses far fewer digits than the
/// difference of two sums.
fn derivative(at: impl Fn(f64) -> Vec<f64>) -> f64 {
    let terms = STENCIL.iter().zip(1..).map(|(weight, n)| {
        let offset = f64::from(n) * STEP;
        let (above, below) = (at(offset), at(-offset));
        let c = coefficients(above.len());
        let change = above.iter().zip(&below).zip(&c);
        weight * change.map(|((above, below), c)| (above - below) * (c + (above + below) / 2.0)).sum::<f64>()
    });
    terms.sum::<f64>() / STEP
}

/// Adds `offset` to one scalar of one parameter.
struct Nudge {
    parameter_idx: usize,
    scalar_idx: usize,
    offset: f64,
    visited: usize,
}

impl ModuleMapper for Nudge {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let parameter_idx = self.visited;
        self.visited += 1;
        if parameter_idx != self.parameter_idx {
            return param;
        }
        param.map(|old| {
            let mut new = values(&old);
            new[self.scalar_idx] += self.offset;
            tensor((&old.device(), old.dtype()), &new, old.dims())
        })
    }
}
