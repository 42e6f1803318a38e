//! Which run a worker trains next.

use std::time::Duration;

use super::claims::Claims;
use super::entry::{Entry, State};
use super::held::Claim;
use crate::error::RunError;

/// Attempts that were cut short before a run is given up: one may end with its machine, but three in a row that came to no
/// new checkpoint are likelier ended by the run.
const MAX_INTERRUPTIONS: usize = 3;

/// The runs that a worker has not seen done or failed.
#[derive(Debug)]
pub struct Queue {
    claims: Claims,
    lease: Duration,
    left: Vec<Waiting>,
    done: Vec<String>,
    failed: Vec<(String, Entry)>,
}

#[derive(Debug)]
struct Waiting {
    run: String,
    /// The entry of another worker, and since when it is the same.
    seen: Option<(Entry, Duration)>,
    /// A failure of an earlier attempt, which is to be tried again.
    retried: Option<Entry>,
}

/// What a worker does next.
#[derive(Debug)]
pub enum Next {
    /// Train this run.
    Train(Claim),
    /// Ask again later: other workers train what is left.
    Wait,
    /// End: every run is done or failed.
    End,
}

impl Queue {
    /// All runs of a study. A claim that is not renewed for longer than the lease is taken over.
    pub fn new(claims: Claims, lease: Duration, runs: impl IntoIterator<Item = String>) -> Self {
        let left = runs.into_iter().map(|run| Waiting { run, seen: None, retried: None }).collect();
        Self { claims, lease, left, done: Vec::new(), failed: Vec::new() }
    }

    /// Has those that failed until now tried once more.
    ///
    /// # Errors
    /// If a claim cannot be read.
    pub fn retry_failed(&mut self) -> Result<(), RunError> {
        for waiting in &mut self.left {
            waiting.retried = self.claims.look(&waiting.run)?.filter(|entry| entry.state == State::Failed);
        }
        Ok(())
    }

    /// The claims that it asks.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The runs that came to their ends before this worker could claim them, in the order in which it saw that.
    pub fn done(&self) -> &[String] {
        &self.done
    }

    /// The runs that failed, with what recorded it, in the order in which this worker saw that.
    pub fn failed(&self) -> &[(String, Entry)] {
        &self.failed
    }

    /// Puts a run back that was claimed and lost.
    pub fn put_back(&mut self, run: &str) {
        self.left.push(Waiting { run: run.to_owned(), seen: None, retried: None });
    }

    /// Claims the first run that is left and that no living worker trains. `now` is this worker's own clock, and `is_done`
    /// whether a run has come to its end.
    ///
    /// # Errors
    /// If a claim cannot be read or made.
    pub fn next(
        &mut self,
        now: impl Fn() -> Duration,
        is_done: impl Fn(&str) -> Result<bool, RunError>,
    ) -> Result<Next, RunError> {
        let mut index = 0;
        while let Some(waiting) = self.left.get_mut(index) {
            if is_done(&waiting.run)? {
                self.done.push(self.left.remove(index).run);
                continue;
            }
            match waiting.claim(&self.claims, self.lease, &now)? {
                Attempt::Claimed(claim) => {
                    let run = self.left.remove(index).run;
                    // It may have come to its end since it was looked at.
                    if is_done(&run)? {
                        unless_lost(claim.give_back())?;
                        self.done.push(run);
                    } else if let Some(reason) = given_up(&claim)? {
                        match unless_lost(claim.fail(&reason))? {
                            true => self.failed.push((run, claim.entry())),
                            false => self.put_back(&run),
                        }
                    } else {
                        return Ok(Next::Train(claim));
                    }
                }
                Attempt::Failed(entry) => self.failed.push((self.left.remove(index).run, entry)),
                Attempt::Busy => index += 1,
            }
        }
        Ok(if self.left.is_empty() { Next::End } else { Next::Wait })
    }
}

enum Attempt {
    Claimed(Claim),
    Failed(Entry),
    Busy,
}

impl Waiting {
    fn claim(
        &mut self,
        claims: &Claims,
        lease: Duration,
        now: &impl Fn() -> Duration,
    ) -> Result<Attempt, RunError> {
        let run = &self.run;
        let before = now();
        let Some(entry) = claims.look(run)? else {
            return Ok(claims.claim(run)?.map_or(Attempt::Busy, Attempt::Claimed));
        };
        let is_free = match entry.state {
            State::Free => true,
            State::Failed if self.retried.as_ref() == Some(&entry) => true,
            State::Failed => return Ok(Attempt::Failed(entry)),
            State::Held => match &self.seen {
                Some((seen, since)) if *seen == entry => before.saturating_sub(*since) > lease,
                _ => {
                    self.seen = Some((entry.clone(), now()));
                    false
                }
            },
        };
        let claim = if is_free { claims.take(run, &entry)? } else { None };
        Ok(claim.map_or(Attempt::Busy, Attempt::Claimed))
    }
}

/// Why a run that was just claimed is not to be tried again, if it has ended too many attempts.
fn given_up(claim: &Claim) -> Result<Option<String>, RunError> {
    let history = claim.history()?;
    let interruptions = history.interruptions();
    Ok((interruptions.len() >= MAX_INTERRUPTIONS).then(|| {
        let (n, last) = (interruptions.len(), interruptions[0]);
        format!("cut short {n} times without a new checkpoint, the last time because {last}")
    }))
}

/// Whether the claim was still this worker's.
fn unless_lost(changed: Result<(), RunError>) -> Result<bool, RunError> {
    match changed {
        Err(RunError::ClaimLost { .. }) => Ok(false),
        result => result.map(|()| true),
    }
}
