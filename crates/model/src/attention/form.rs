//! Which implementation of attention a layer takes: the reference, or the fused kernels.

use serde::{Deserialize, Serialize};

/// How the context is computed. Both implementations give the same numbers up to rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionForm {
    /// By the fused kernels where that is possible.
    #[default]
    Auto,
    /// By the fused kernels, whose memory is linear in the length of the sequence. They need dot products without a cap,
    /// no bias that is learned, and the CPU.
    Fused,
    /// By the reference implementation, which makes the whole map.
    Reference,
}
