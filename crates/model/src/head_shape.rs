//! The heads of one attention layer, for what is built to fit them: scores and position schemes.

/// The heads for which a score is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadShape {
    /// Number of heads of queries.
    pub n_heads: usize,
    /// Width of queries and keys per head.
    pub d_k: usize,
}
