//! Fused operations under Burn's autodiff: the only backend that names backends.
//!
//! Each has a plain twin written on `Tensor` elsewhere: the definition, the oracle, and what every device takes whose
//! memory is not the host's. Which one a tensor gets is decided by [`HostBackend::of`], before anything is computed.
//!
//! | operation | twin |
//! |---|---|
//! | [`DotProductAttention`] | [`Attend`](crate::Attend) |
//! | [`gelu`], [`norm`], [`embedding`], [`linear`] | in `mlp.rs`, `norm.rs`, `embedding.rs` and `linear.rs` |
//! | [`cross_entropy`], [`GlobalNorm`], [`AdamW`] | where a trainer calls them |

mod adam_w;
mod apply;
mod attention;
mod cross_entropy;
mod embedding;
mod gelu;
mod host;
mod linear;
mod norm;
mod self_attention;

pub use adam_w::{AdamW, AdamWState, Decay, GlobalNorm};
pub use attention::DotProductAttention;
pub use cross_entropy::cross_entropy;
pub(crate) use embedding::embedding;
pub(crate) use gelu::gelu;
pub(crate) use host::HostBackend;
pub(crate) use linear::linear;
pub(crate) use norm::{layer_norm, rms_norm};
pub use qkv_kernels::Dropout as DropoutRule;
pub(crate) use self_attention::self_attention;
