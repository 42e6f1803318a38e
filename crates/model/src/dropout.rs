//! Dropout whose masks are a function of (seed, step, layer) and of where a value stands, so that a resumed run repeats
//! an uninterrupted one and the fused kernels compute the mask again in the backward instead of keeping it.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

use crate::error::ModelError;
use crate::fused::DropoutRule;
use crate::init::Init;
use crate::mode::Mode;
use crate::random::fnv1a;

/// Sets a share `rate` of the values to zero while training and scales the others by `1/(1 - rate)`
/// ([Srivastava et al. 2014](https://jmlr.org/papers/v15/srivastava14a.html)).
#[derive(Module, Debug)]
pub struct Dropout {
    rate: f64,
    /// A hash of the layer's path.
    layer: u64,
}

impl Dropout {
    /// The layer `name` of the module being built.
    ///
    /// # Errors
    /// If `rate` is not in `[0, 1)`.
    pub fn new(init: &Init, name: &str, rate: f64) -> Result<Self, ModelError> {
        check(rate)?;
        Ok(Self { rate, layer: fnv1a(init.path_of(name).as_bytes()) })
    }

    /// The rule for one training step; `None` where nothing is dropped.
    pub fn in_mode(&self, mode: Mode) -> Option<DropoutRule> {
        match mode {
            Mode::Train { seed, step, first_example } if self.rate > 0.0 => {
                Some(DropoutRule { probability: self.rate, seed, step, layer: self.layer, first_example })
            }
            _ => None,
        }
    }

    /// Any shape whose first axis is the batch, or the batch together with others; returns `x` itself when evaluating.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, mode: Mode) -> Tensor<D> {
        apply(x, self.in_mode(mode))
    }
}

/// Drops among the values of `x` by where they stand on its last four axes, `[batch, heads, q_len, k_len]` for
/// attention weights; its first axis goes on where the examples before end.
pub(crate) fn apply<const D: usize>(x: Tensor<D>, rule: Option<DropoutRule>) -> Tensor<D> {
    let Some(rule) = rule else { return x };
    let shape = x.dims();
    let axis = |from_last: usize| D.checked_sub(from_last).map_or(1, |axis| shape[axis]);
    let [rows, heads, columns] = [2, 3, 1].map(axis);
    let n_values: usize = shape.iter().product();
    let n_rows = n_values / columns.max(1);
    let first_row = rule.first_example as usize * (n_rows / shape[0].max(1));
    // What stands on an axis is counted through the whole batch of the step.
    let rule = DropoutRule { first_example: 0, ..rule };
    let mut factors = Vec::with_capacity(n_values);
    for row in first_row..first_row + n_rows {
        let keeps = match D {
            ..=2 => rule.row(0, 0, row),
            3 => rule.row(0, row / rows, row % rows),
            _ => rule.row(row / rows / heads, row / rows % heads, row % rows),
        };
        factors.extend((0..columns).map(|column| if keeps(column) { rule.factor() } else { 0.0 }));
    }
    let factors = TensorData::new(factors, shape).convert_dtype(x.dtype());
    let factors = Tensor::from_data(factors, (&x.device(), x.dtype()));
    x * factors
}

/// Whether `rate` is one.
pub(crate) fn check(rate: f64) -> Result<(), ModelError> {
    ModelError::check_number("dropout", rate, "at least 0 and below 1", (0.0..1.0).contains(&rate))
}
