//! Gradient clipping by the norm of all gradients together.
//!
//! Burn clips each parameter by its own norm, which changes the direction of the step.

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;

/// Scales the gradients so that their common norm is at most `max_norm` (0: never) and returns the norm before that.
///
/// ```text
/// norm = √(Σ over parameters Σ g²)      g = g · min(1, max_norm / norm)
/// ```
///
/// The sum runs in `f64` in module order, so it does not depend on the number of threads.
pub fn clip_global_norm<M: Module>(
    model: &M,
    grads: GradientsParams,
    max_norm: f64,
) -> (GradientsParams, f64) {
    let mut sum = SumOfSquares { grads: &grads, sum: 0.0 };
    model.visit(&mut sum);
    let norm = sum.sum.sqrt();
    // A norm that is not a number scales nothing: the caller has to see it.
    if max_norm == 0.0 || norm <= max_norm || !norm.is_finite() {
        return (grads, norm);
    }
    let mut scale = Scale { grads, factor: max_norm / norm };
    model.visit(&mut scale);
    (scale.grads, norm)
}

struct SumOfSquares<'a> {
    grads: &'a GradientsParams,
    sum: f64,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.get::<D>(param.id) {
            self.sum += grad.into_data().iter::<f64>().map(|g| g * g).sum::<f64>();
        }
    }
}

struct Scale {
    grads: GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.remove::<D>(param.id) {
            self.grads.register(param.id, grad.mul_scalar(self.factor));
        }
    }
}
