//! What a head computes: its circuits, compositions with other heads, attention patterns, gradients, and its gauge.
//!
//! Functions of the matrices and maps of `files`. Reading a file, drawing and the steps of a run belong elsewhere.

pub(crate) mod attention_stats;
pub(crate) mod circuit;
pub(crate) mod composition;
pub(crate) mod embeddings;
pub(crate) mod gauge;
pub(crate) mod gradients;
pub(crate) mod head_scores;
pub(crate) mod profile;
pub(crate) mod summary;
