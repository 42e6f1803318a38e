//! What Burn's autodiff keeps of parameters that are gone.

use burn::module::Module;
use burn::tensor::Tensor;

/// Frees it, where `model` is on a device with autodiff.
///
/// Burn registers every learned parameter when it is made, and looks for those that are gone only at the end of a
/// backward pass. A loop that loads checkpoints makes none: it would grow by some 25 kB with each of a small model. This
/// pass of a single number costs microseconds.
pub(super) fn free_unused_graphs<M: Module>(model: &M) {
    if let Some(device) = model.devices().first().filter(|device| device.is_autodiff()) {
        Tensor::<1>::zeros([1], device).require_grad().backward();
    }
}
