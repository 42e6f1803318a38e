//! Whose turn it is.

use std::ops::Range;

use super::runs::Assignment;

/// What the next free worker does.
pub enum Turn {
    /// It trains the run of this index.
    Train(usize),
    /// Nothing is left for it.
    Over,
}

/// The runs in their order, each once.
pub struct Turns {
    left: Range<usize>,
}

impl Turns {
    pub fn of(runs: &[Assignment]) -> Self {
        Self { left: 0..runs.len() }
    }

    pub fn next(&mut self) -> Turn {
        self.left.next().map_or(Turn::Over, Turn::Train)
    }
}
