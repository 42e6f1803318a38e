//! What is drawn, what is refused, and what is boxed when a model is built.

/// Dropout as a function of seed, step and layer.
mod dropout;
/// Boxed modules beside unboxed ones.
mod erased;
/// Messages for what cannot be built.
mod errors;
/// Models that wrap a transformer with a hook of their own.
mod hooked_models;
/// Initial weights as a function of seed and path.
mod initial_weights;
/// Attention layers of a user's own.
mod own_layers;
/// Masks of a user's own.
mod own_masks;
/// Norms and activations of a user's own.
mod own_parts;
/// A user's position scheme and model.
mod user_kinds;
