//! The task of a film's run.

use std::collections::BTreeSet;

/// What a caller that has the task of a run adds to its film.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AboutTask {
    /// What it asks for, in one line.
    pub summary: String,
    /// The tokens that are answers, by their place in the vocabulary; empty where that is not known.
    pub answers: BTreeSet<u32>,
}
