//! Gradient clipping by the norm of all gradients together.
//!
//! Burn clips each parameter by its own norm, which changes the direction of the step.

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use qkv_model::fused::GlobalNorm;

/// The common norm of all gradients, `√(Σ over parameters Σ g²)`.
///
/// The sum runs in `f64` in module order, so it does not depend on the number of threads.
pub fn global_norm<M: Module>(model: &M, grads: &GradientsParams) -> f64 {
    let mut visitor = Collect { grads, norm: GlobalNorm::default() };
    model.visit(&mut visitor);
    visitor.norm.value()
}

/// The factor for gradients of this common norm that makes it at most `max_norm` (0: never): 1 or less
/// ([Pascanu et al. 2013, algorithm 1](https://arxiv.org/abs/1211.5063)).
///
/// ```text
/// g = g · max_norm / ‖g‖                if ‖g‖ > max_norm; ‖g‖ is the norm of all gradients together
/// ```
///
/// So the clipped gradients have the norm `max_norm`, up to rounding. PyTorch's `clip_grad_norm_` adds a millionth to the
/// norm first, `max_norm / (‖g‖ + 1e-6)`, which matters where norms are small:
///
/// ```
/// use qkv_train::clip_factor;
///
/// let (norm, max_norm) = (4.0, 1.0);
/// assert_eq!(clip_factor(norm, max_norm), 0.25);
/// // That of PyTorch is this one for a norm of a millionth more: a quarter of these gradients, and not a third.
/// let (norm, max_norm) = (3e-6, 1e-6);
/// assert!((clip_factor(norm, max_norm) - 1.0 / 3.0).abs() < 1e-12);
/// assert!((clip_factor(norm + 1e-6, max_norm) - 0.25).abs() < 1e-12);
/// ```
pub fn clip_factor(norm: f64, max_norm: f64) -> f64 {
    // A norm that is not a number scales nothing: the caller has to see it.
    if max_norm == 0.0 || norm <= max_norm || !norm.is_finite() { 1.0 } else { max_norm / norm }
}

struct Collect<'a> {
    grads: &'a GradientsParams,
    norm: GlobalNorm,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.get::<D>(param.id) {
            self.norm.add(&grad);
        }
    }
}
