//! The runs of a study that other processes train, too: each is claimed first.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, process};

use anyhow::{Result, anyhow};
use qkv_run::{Claim, Claims, Disk, Next, Queue, RunError};

use super::super::end::{Cause, End, Failure};
use super::super::study::runs::{self, Assignment};
use super::Turn;
use super::keeper::{Keeper, RENEWALS};

/// Other processes end their runs at any time, and each look reads the logs of those that they train.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Longest part of the name of a machine in that of a process.
const MAX_HOST: usize = 40;

/// The runs that this process may claim, and those that it did.
pub struct Claimed {
    study: PathBuf,
    queue: Queue,
    /// Of every run by the name of its folder.
    indices: HashMap<String, usize>,
    held: BTreeMap<usize, Arc<Claim>>,
    keeper: Keeper,
    name: String,
    lease: Duration,
    started: Instant,
    /// Before that, nothing is asked of the disk.
    next_look: Instant,
    /// How many of those that the queue has as done, and as failed, were reported.
    n_reported: [usize; 2],
}

impl Claimed {
    /// The runs in the folder of a study. `retry_failed` tries those once more that failed until now.
    pub fn of(study: &Path, runs: &[Assignment], lease: Duration, retry_failed: bool) -> Result<Self> {
        let name = own_name();
        let claims = Claims::new(Arc::new(Disk), study, &name);
        let of = |run: &Assignment| run.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut queue = Queue::new(claims, lease, runs.iter().map(of));
        if retry_failed {
            queue.retry_failed()?;
        }
        Ok(Self {
            study: study.to_owned(),
            queue,
            indices: runs.iter().map(of).zip(0..).collect(),
            held: BTreeMap::new(),
            keeper: Keeper::start(lease)?,
            name,
            lease,
            started: Instant::now(),
            next_look: Instant::now(),
            n_reported: [0; 2],
        })
    }

    /// The name under which this process claims runs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Claims a run, if one is left that no living process trains.
    pub fn next(&mut self) -> Result<Turn> {
        if Instant::now() < self.next_look {
            return Ok(Turn::Wait);
        }
        let (started, study) = (self.started, &self.study);
        Ok(match self.queue.next(|| started.elapsed(), |run| Ok(runs::is_done(&study.join(run))))? {
            Next::Train(claim) => {
                let index = self.indices[claim.run()];
                let claim = Arc::new(claim);
                self.keeper.keep(&claim);
                self.held.insert(index, claim);
                Turn::Train(index)
            }
            // One that is held may be lost, and is then to be waited for.
            Next::End if self.held.is_empty() => Turn::Over,
            Next::Wait | Next::End => {
                self.pause();
                Turn::Wait
            }
        })
    }

    /// The runs that other processes have taken over.
    pub fn lost(&self) -> Vec<usize> {
        let lost = self.held.iter().filter(|(_, claim)| self.keeper.has_lost(claim));
        lost.map(|(index, _)| *index).collect()
    }

    /// The runs that were seen to have come to their ends in other processes since this was asked last.
    pub fn ended_elsewhere(&mut self) -> Result<Vec<(usize, Option<Failure>)>> {
        let (done, failed) = (self.queue.done(), self.queue.failed());
        let [n_done, n_failed] = std::mem::replace(&mut self.n_reported, [done.len(), failed.len()]);
        let done = done[n_done..].iter().map(|run| Ok((self.indices[run], None)));
        let failed = failed[n_failed..].iter().map(|(run, entry)| {
            let history = self.queue.claims().history(run, entry)?;
            let (reason, worker) = (history.failure(), entry.worker());
            let failure = Failure::new(Cause::of_reason(reason), format!("{reason} (of {worker})"));
            Ok((self.indices[run], Some(failure)))
        });
        done.chain(failed).collect()
    }

    /// A run has a checkpoint of this step. Where it was lost, its worker is being stopped.
    pub fn saved(&self, index: usize, step: u64) -> Result<()> {
        self.held.get(&index).map_or(Ok(()), |claim| Ok(claim.record_progress(step)?))
    }

    /// The training of a run has come to this end; returns whether it is left to a later attempt, of this process or of
    /// another one.
    ///
    /// # Errors
    /// If the cause is this machine: the run is given back then.
    pub fn is_put_back(&mut self, index: usize, end: &End) -> Result<bool> {
        let Some(claim) = self.held.remove(&index) else { return Ok(false) };
        self.keeper.let_go(&claim);
        self.next_look = Instant::now();
        let End::Failed(failure) = end else {
            return match claim.give_back() {
                Err(RunError::ClaimLost { .. }) if *end == End::Stopped => Ok(self.put_back(&claim)),
                // Whichever process has the claim by now finds the run done.
                _ if *end == End::Done => Ok(false),
                given => Ok(given.map(|()| false)?),
            };
        };
        let given = match failure.cause {
            Cause::Refused | Cause::Diverged => claim.fail(&failure.reason()),
            Cause::Busy | Cause::Machine => claim.give_back(),
            Cause::Killed => claim.interrupt(&failure.reason()),
        };
        match (given, failure.cause) {
            (Err(RunError::ClaimLost { .. }), _) => Ok(self.put_back(&claim)),
            (given, Cause::Machine) => {
                let lost = given.map_or_else(|error| format!("; {error}"), |()| String::new());
                let (run, how) = (claim.run(), &failure.how);
                Err(anyhow!("{run} is given back, because it cannot be trained here: {how}{lost}"))
            }
            (Err(error), _) => Err(error.into()),
            (Ok(()), Cause::Refused | Cause::Diverged) => Ok(false),
            (Ok(()), Cause::Busy) => Ok(self.put_back(&claim)),
            // Behind the others, which need not wait.
            (Ok(()), Cause::Killed) => {
                self.queue.put_back(claim.run());
                Ok(true)
            }
        }
    }

    /// Gives back what was claimed, as far as the disk lets it.
    pub fn give_all_back(&mut self) {
        for claim in std::mem::take(&mut self.held).into_values() {
            self.keeper.let_go(&claim);
            // Otherwise its lease runs out.
            let _ = claim.give_back();
        }
    }

    /// Removes all claims of a study whose runs are all done.
    pub fn remove(&self) -> Result<()> {
        Ok(self.queue.claims().remove(|run| Ok(runs::is_done(&self.study.join(run))))?)
    }

    /// Puts back a run that another process has, and waits a moment for that.
    fn put_back(&mut self, claim: &Claim) -> bool {
        self.queue.put_back(claim.run());
        self.pause();
        true
    }

    fn pause(&mut self) {
        self.next_look = Instant::now() + LONGEST_PAUSE.min(self.lease / RENEWALS);
    }
}

/// The machine, the process, and a number that no other process has.
fn own_name() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_else(|_| "host".to_owned());
    let host: String =
        host.trim().chars().take(MAX_HOST).map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    // The keys of a new state are random.
    format!("{host}-{}-{:016x}", process::id(), RandomState::new().hash_one(process::id()))
}

#[cfg(test)]
mod tests {
    use super::super::super::study::runs::Name;
    use super::*;

    /// Whether the next run can be trained at once after the first has failed for this cause.
    #[track_caller]
    fn check(cause: Cause, is_at_once: bool) -> Result<()> {
        let study = tempfile::tempdir()?;
        let run = |name: &str| {
            let (labels, folder) = (vec![name.to_owned()], study.path().join(name));
            Assignment { name: Name { number: 1, labels }, folder, config: String::new(), steps: 1 }
        };
        let mut claimed = Claimed::of(study.path(), &[run("a"), run("b")], Duration::from_secs(3600), false)?;
        assert!(matches!(claimed.next()?, Turn::Train(0)), "{cause:?}");
        assert!(claimed.is_put_back(0, &End::Failed(Failure::new(cause, "how")))?, "{cause:?}");
        assert_eq!(matches!(claimed.next()?, Turn::Train(1)), is_at_once, "{cause:?}");
        Ok(())
    }

    #[test]
    fn a_run_whose_process_was_killed_does_not_delay_the_others() -> Result<()> {
        check(Cause::Killed, true)?;
        check(Cause::Busy, false)
    }
}
