//! What each variant does, worked out by hand.

/// Linear biases.
mod alibi;
/// Heads that share keys and values.
mod groups;
/// GELU, ReLU and SwiGLU.
mod mlps;
/// Layer norm and RMS norm.
mod norms;
/// Positions of a part of a sequence.
mod offsets;
/// Queries and keys of one length.
mod qk_norm;
/// The softmax with a sink.
mod quiet_softmax;
/// Rotary positions.
mod rope;
/// The cap of the scores.
mod softcap;
