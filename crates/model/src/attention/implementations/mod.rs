//! The two implementations of attention, the reference and the fused kernels, and which of them a layer takes.
//!
//! Here belongs how scores, weights and context are computed; what they are belongs to `spec.rs` above.

mod fused;
mod non_finite;
mod reference;

pub(super) use fused::FusedAttention;
pub(super) use non_finite::FiniteKeysValues;

use serde::{Deserialize, Serialize};

/// Which implementation computes attention. Both give the same numbers up to rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Implementation {
    /// The fused kernels where they can compute it, else the reference implementation.
    #[default]
    Auto,
    /// The fused kernels, whose memory is linear in the length of the sequence. They need dot-product scores without a
    /// cap, no learned bias on the scores (learned biases of the projections are fine), `f32` or `f64`, and the CPU.
    Fused,
    /// The reference implementation, which materialises the T × T weights.
    Reference,
}
