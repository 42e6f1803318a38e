//! The claim of a worker, as a process sees it that trains the run for that worker.

use std::io;

use super::claims::Claims;
use super::entry::State;
use crate::storage::Lock;

/// Whether a worker still holds the claim of a run, whatever it is called by now.
#[derive(Debug)]
pub struct HeldBy {
    claims: Claims,
    run: String,
    worker: String,
}

impl HeldBy {
    /// The claim of `run` that `worker` made or took over.
    pub fn new(claims: Claims, run: &str, worker: &str) -> Self {
        Self { claims, run: run.to_owned(), worker: worker.to_owned() }
    }
}

impl Lock for HeldBy {
    fn is_in_place(&self) -> io::Result<bool> {
        let entry = self.claims.look(&self.run).map_err(io::Error::other)?;
        Ok(entry.is_some_and(|entry| entry.state == State::Held && entry.worker == self.worker))
    }
}
