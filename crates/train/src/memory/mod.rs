//! The memory that a training will need, estimated from sizes alone before anything of it is created.
//!
//! Here belong the numbers of a model's activations and what they add up to. How much memory there is, a program asks
//! the system.

mod encoder_decoder;
mod estimate;
mod optimizer_state;
mod transformer;

pub(crate) use encoder_decoder::sizes_of_pair;
pub use estimate::MemoryEstimate;
pub(crate) use optimizer_state::optimizer_state;
pub(crate) use transformer::sizes;

/// What a training computes at once, as far as it decides the sizes of activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passes {
    /// Examples of a training step, or of the largest shard of its batch.
    pub n_in_step: usize,
    /// Examples of a forward pass of an evaluation.
    pub n_in_evaluation: usize,
    /// Positions of an example that carry loss.
    pub n_targets: usize,
    /// Whether no kernel takes the place of the reference implementation of attention: because the loss reads its
    /// weights, or because a model that is built has a layer that the kernels cannot compute.
    pub shows_maps: bool,
}

/// Numbers that a model has and computes, at four bytes each.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSizes {
    /// Of all parameters.
    pub parameters: f64,
    /// Of the learned ones.
    pub learned: f64,
    /// Of those of them that are maps from features to features, of which some optimizers remember less.
    pub learned_maps: f64,
    /// Of what it computes, where that is known.
    pub passes: Option<PassSizes>,
}

/// Numbers that are held at once on top of the parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct PassSizes {
    /// By forward and backward of a step, without the gradients of parameters.
    pub step: f64,
    /// By the forward of an evaluation.
    pub evaluation: f64,
    /// For a frame of the film, with its maps.
    pub frame: f64,
    /// What is computed besides and has no known size, in words; `None` if nothing is.
    pub unknown: Option<String>,
}
