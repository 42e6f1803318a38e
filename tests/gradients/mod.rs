//! What back-propagation gives: fused kernels against tensor operations, every gradient against differences.

/// Cross-attention against differences, and its two implementations against each other.
mod cross_gradients;
/// The fused kernels against the reference implementations.
mod fused;
/// An attention layer of every score and variant against differences.
mod layer_gradients;
/// Learned, frozen and absent projections.
mod learning;
/// Whole transformers against differences.
mod transformer_gradients;
