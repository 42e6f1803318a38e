//! What an evaluation measures.

use crate::training::{CrossEntropy, Loss};

/// What an evaluation measures; by default the loss is `cross-entropy`.
/// [`Parts::measures`](crate::Parts::measures) gives what a training does.
#[derive(Debug, Clone, Copy)]
pub struct Measures<'a> {
    /// The loss.
    pub loss: &'a dyn Loss,
}

impl Default for Measures<'_> {
    fn default() -> Self {
        Self { loss: &CrossEntropy }
    }
}
