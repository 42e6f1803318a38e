//! Whether a forward pass belongs to a training step, and to which.

/// Evaluation, or one step of a training run.
///
/// The step and the seed are all that a random layer may depend on, so that a resumed run repeats an uninterrupted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// No randomness: dropout is off.
    Evaluate,
    /// Dropout is on, with masks that are a function of seed, step and layer.
    Train {
        /// Seed of the run.
        seed: u64,
        /// Training step, counted from zero.
        step: u64,
    },
}
