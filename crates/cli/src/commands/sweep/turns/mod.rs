//! Whose turn it is: the runs that this process trains alone, or those that it claims among others.
//!
//! How a run is trained does not belong here.

mod claimed;
mod keeper;
mod listed;

use anyhow::Result;

use super::end::{End, Failure};
pub use claimed::Claimed;
pub use listed::Listed;

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
    Listed(Listed),
    /// Those that no other process trains.
    Claimed(Box<Claimed>),
}

impl Turns {
    pub fn next(&mut self) -> Result<Turn> {
        match self {
            Self::Listed(listed) => Ok(listed.next()),
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

    /// The runs that other processes were seen to have ended since this was asked last: `None` for those that are done.
    pub fn ended_elsewhere(&mut self) -> Result<Vec<(usize, Option<Failure>)>> {
        match self {
            Self::Listed(_) => Ok(Vec::new()),
            Self::Claimed(claimed) => claimed.ended_elsewhere(),
        }
    }

    /// A run under way has a checkpoint of this step.
    pub fn saved(&self, run: usize, step: u64) -> Result<()> {
        match self {
            Self::Listed(_) => Ok(()),
            Self::Claimed(claimed) => claimed.saved(run, step),
        }
    }

    /// The training of a run has come to this end; returns whether the run is left to a later attempt.
    ///
    /// # Errors
    /// If the next run would end in the same way.
    pub fn is_put_back(&mut self, run: usize, end: &End) -> Result<bool> {
        match self {
            Self::Listed(listed) => Ok(listed.is_put_back(run, end)),
            Self::Claimed(claimed) => claimed.is_put_back(run, end),
        }
    }

    /// Leaves the runs of all workers, which have ended, to other processes.
    pub fn give_all_back(&mut self) {
        if let Self::Claimed(claimed) = self {
            claimed.give_all_back();
        }
    }
}
