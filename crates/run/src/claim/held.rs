//! A claim that this worker holds.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::claims::Claims;
use super::entry::{Entry, State};
use super::history::{History, Line};
use crate::error::RunError;
use crate::storage::Lock;

/// A run that this worker may train, until another one takes it over. Where the value is dropped, the claim stays until
/// its lease has run out.
#[derive(Debug)]
pub struct Claim {
    claims: Claims,
    run: String,
    /// Its name on the disk.
    entry: Mutex<Entry>,
}

impl Claim {
    pub(super) fn new(claims: &Claims, run: &str, entry: Entry) -> Self {
        Self { claims: claims.clone(), run: run.to_owned(), entry: Mutex::new(entry) }
    }

    /// The run.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Its name on the disk, by which another process of this worker can [take](Claims::take) it over.
    pub fn entry(&self) -> Entry {
        self.lock().clone()
    }

    /// Shows the other workers that this one lives.
    ///
    /// # Errors
    /// [`RunError::ClaimLost`] if another worker has taken over the run; or if the disk reports a failure, after which the
    /// claim may be renewed again.
    pub fn renew(&self) -> Result<(), RunError> {
        self.become_(State::Held, None)
    }

    /// Gives the run back, done or not, so that the next worker need not wait.
    ///
    /// # Errors
    /// As [`renew`](Self::renew).
    pub fn give_back(&self) -> Result<(), RunError> {
        self.become_(State::Free, None)
    }

    /// Gives the run back because this attempt to train it was cut short by something that need not happen again. A
    /// [`Queue`](super::Queue) gives up a run to which that happens too often.
    ///
    /// # Errors
    /// As [`renew`](Self::renew).
    pub fn interrupt(&self, reason: &str) -> Result<(), RunError> {
        self.become_(State::Free, Some(Line::Interrupted(reason)))
    }

    /// Records that the training of the run failed, so that no other worker tries the same.
    ///
    /// # Errors
    /// As [`renew`](Self::renew).
    pub fn fail(&self, reason: &str) -> Result<(), RunError> {
        self.become_(State::Failed, Some(Line::Failed(reason)))
    }

    /// Records that the training has saved a checkpoint of this step. If it got further than the attempts before it, those
    /// count no more.
    ///
    /// # Errors
    /// If the disk reports a failure.
    pub fn record_progress(&self, step: u64) -> Result<(), RunError> {
        let entry = self.lock();
        match self.claims.history(&self.run, &entry)?.is_progress(step) {
            true => self.claims.write(&self.run, &entry, Line::Saved(step)),
            false => Ok(()),
        }
    }

    /// What became of the attempts before this one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn history(&self) -> Result<History, RunError> {
        self.claims.history(&self.run, &self.lock())
    }

    fn become_(&self, state: State, line: Option<Line<'_>>) -> Result<(), RunError> {
        let mut entry = self.lock();
        // What was given back is renewed by no thread that comes too late.
        if entry.state != State::Held {
            return Err(self.lost());
        }
        if let Some(line) = line {
            self.claims.write(&self.run, &entry, line)?;
        }
        let new = self.claims.entry(state);
        if self.claims.replace(&self.run, &entry, &new)? {
            *entry = new;
            return Ok(());
        }
        // A server that lost its power may have an earlier name of the same claim.
        let earlier = match self.claims.look(&self.run)? {
            Some(found) if found.state == State::Held && found.worker == entry.worker => found,
            _ => return Err(self.lost()),
        };
        if !self.claims.replace(&self.run, &earlier, &new)? {
            return Err(self.lost());
        }
        *entry = new;
        Ok(())
    }

    fn lost(&self) -> RunError {
        RunError::ClaimLost { path: self.claims.run(&self.run) }
    }

    fn lock(&self) -> MutexGuard<'_, Entry> {
        self.entry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lock for Claim {
    /// Whether the claim is this worker's, as this machine sees it.
    fn is_in_place(&self) -> io::Result<bool> {
        let entry = self.lock();
        let file = self.claims.of(&self.run).join(entry.to_string());
        Ok(entry.state == State::Held && self.claims.storage.entry(&file)?.is_some())
    }
}
