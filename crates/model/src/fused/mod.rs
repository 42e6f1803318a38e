//! Fused operations under Burn's autodiff: the only place that names backends.
//!
//! Each has a reference implementation in tensor operations elsewhere: the definition, the oracle, and the only one on
//! devices without host memory. [`supports`] decides which one a tensor gets, before anything is computed.
//!
//! | operation | reference implementation |
//! |---|---|
//! | attention, alone or with the projections before it | `attention/implementations/reference.rs` |
//! | norms, embedding, linear maps, GELU, a whole MLP | in the files of these names beside this folder |
//! | [`cross_entropy()`], [`GlobalNorm`], [`AdamW`] with its [`AdamWState`], [`Decay`] | where a trainer calls them |
//!
//! A program that trains calls [`prepare_process`] first ([`ProcessError`]). Dropout of attention weights follows a
//! [`DropoutRule`] in both implementations.

mod adam_w;
mod all_finite;
mod apply;
mod cross_entropy;
mod embedding;
mod gelu;
mod global_norm;
mod host;
mod linear;
mod mlp;
mod norm;

pub use adam_w::{AdamW, AdamWState, Decay};
pub use all_finite::{AllFinite, all_finite};
pub(crate) use apply::{Array, Forward, Gradient, Kernel, Saved, apply};
pub use cross_entropy::cross_entropy;
pub(crate) use embedding::embedding;
pub(crate) use gelu::gelu;
pub use global_norm::GlobalNorm;
pub(crate) use host::{HostBackend, Number, Values};
pub(crate) use linear::linear;
pub(crate) use mlp::{MlpWeights, gelu_mlp};
pub(crate) use norm::{NormWeights, norm};
pub use qkv_kernels::Dropout as DropoutRule;
pub use qkv_kernels::{ProcessError, prepare_process};

use burn::tensor::Tensor;

/// Whether there are kernels for this tensor: it lies in host memory, in single or double precision.
pub fn supports<const D: usize>(tensor: &Tensor<D>) -> bool {
    HostBackend::of(tensor).is_some()
}
