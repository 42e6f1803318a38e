//! What each part of a model is good for: ablation, patching, attribution.

/// Heads and projections taken away.
mod ablation;
/// Logits as sums over heads and the rest.
mod attribution;
/// The same of an encoder and a decoder, each at its own positions.
mod attribution_of_pairs;
/// Activations of one run in another.
mod patching;
