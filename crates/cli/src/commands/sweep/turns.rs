//! Whose turn it is.

use std::ops::Range;

use anyhow::Result;

use super::claimed::Claimed;
use super::end::End;
use super::runs::Assignment;

/// What the next free worker does.
pub enum Turn {
    /// It trains the run of this index.
    Train(usize),
    /// Nothing for now: other processes train what is left.
    Wait,
    /// Nothing is left for it.
    Over,
}

/// The runs, each once.
pub enum Turns {
    /// In their order.
    Listed(Range<usize>),
    /// Those that no other process trains.
    Claimed(Box<Claimed>),
}

impl Turns {
    pub fn of(runs: &[Assignment]) -> Self {
        Self::Listed(0..runs.len())
    }

    pub fn next(&mut self) -> Result<Turn> {
        match self {
            Self::Listed(left) => Ok(left.next().map_or(Turn::Over, Turn::Train)),
            Self::Claimed(claimed) => claimed.next(),
        }
    }

    /// The runs under way that other processes have taken over.
    pub fn lost(&self) -> Vec<usize> {
        match self {
            Self::Listed(_) => Vec::new(),
            Self::Claimed(claimed) => claimed.lost(),
        }
    }

    /// The training of a run has come to this end; returns whether the run is left to a later attempt.
    pub fn is_put_back(&mut self, run: usize, end: &End) -> Result<bool> {
        match self {
            Self::Listed(_) => Ok(false),
            Self::Claimed(claimed) => claimed.is_put_back(run, end),
        }
    }
}
