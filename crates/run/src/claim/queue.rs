//! Which run a worker trains next.

use std::time::Duration;

use super::claims::{Claims, Standing};
use super::entry::Entry;
use super::held::Claim;
use crate::error::RunError;

/// The runs that a worker has not seen done or failed.
#[derive(Debug)]
pub struct Queue {
    claims: Claims,
    lease: Duration,
    left: Vec<Waiting>,
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
        Self { claims, lease, left, failed: Vec::new() }
    }

    /// Has those that failed until now tried once more.
    ///
    /// # Errors
    /// If a claim cannot be read.
    pub fn retry_failed(&mut self) -> Result<(), RunError> {
        for waiting in &mut self.left {
            if let Standing::Failed(entry) = self.claims.look(&waiting.run)? {
                waiting.retried = Some(entry);
            }
        }
        Ok(())
    }

    /// The claims that it asks.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The runs that failed, with what recorded it.
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
                self.left.remove(index);
                continue;
            }
            match waiting.claim(&self.claims, self.lease, &now)? {
                Attempt::Claimed(claim) => {
                    // It may have come to its end since it was looked at.
                    let is_done = is_done(claim.run())?;
                    if is_done {
                        claim.give_back()?;
                    }
                    self.left.remove(index);
                    if !is_done {
                        return Ok(Next::Train(claim));
                    }
                }
                Attempt::Failed(entry) => {
                    let run = self.left.remove(index).run;
                    self.failed.push((run, entry));
                }
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
        let claim = match claims.look(run)? {
            Standing::Unclaimed => claims.claim(run)?,
            Standing::Free(entry) => claims.take(run, &entry)?,
            Standing::Failed(entry) if self.retried.as_ref() == Some(&entry) => claims.take(run, &entry)?,
            Standing::Failed(entry) => return Ok(Attempt::Failed(entry)),
            Standing::Held(entry) => match &self.seen {
                Some((seen, since)) if *seen == entry => {
                    if before.saturating_sub(*since) > lease {
                        claims.take(run, &entry)?
                    } else {
                        None
                    }
                }
                _ => {
                    self.seen = Some((entry, now()));
                    None
                }
            },
        };
        Ok(claim.map_or(Attempt::Busy, Attempt::Claimed))
    }
}
