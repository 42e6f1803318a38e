//! What back-propagation gives: fused kernels against tensor operations, every gradient against differences.

/// The fused kernels against the reference implementations.
mod fused;
/// Every scalar of an attention layer against differences.
mod layer_gradients;
/// Learned, frozen and absent projections.
mod learning;
/// Whole transformers against differences.
mod transformer_gradients;
/// Every variant of a layer against differences.
mod variant_gradients;
