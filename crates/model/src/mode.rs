//! Whether a forward pass belongs to a training step, and to which.

/// Evaluation, or one step of a training run.
///
/// The step, the seed and the place of an example in the batch of the step are all that a random layer may depend on, so
/// that a resumed run repeats an uninterrupted one, and a batch that is computed in parts the whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// No randomness: dropout is off.
    Evaluate,
    /// Dropout is on, with masks that are a function of seed, step and layer, and of where in the batch of the step a value stands.
    Train {
        /// Seed of the run.
        seed: u64,
        /// Training step, counted from zero.
        step: u64,
        /// Index of the first example in the batch of the step: 0, unless this is a part of that batch.
        first_example: u64,
    },
}
