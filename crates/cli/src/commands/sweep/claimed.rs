//! The runs of a study that other processes train, too: each is claimed first.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, process};

use anyhow::Result;
use qkv_run::{Claim, Claims, Disk, Next, Queue, RunError, RunFolder};

use super::end::{End, Failure};
use super::keeper::{Keeper, RENEWALS};
use super::runs::Assignment;
use super::turns::Turn;

/// What another process of the study, or a training by hand, is met with.
const BUSY: u8 = 3;

/// Other processes end their runs at any time, and each look reads the logs of those that they train.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Longest part of the name of a machine in that of a process.
const MAX_HOST: usize = 40;

/// The runs that this process may claim, and those that it did.
pub struct Claimed {
    queue: Queue,
    /// Of every run by the name of its folder.
    indices: HashMap<String, usize>,
    folders: HashMap<String, PathBuf>,
    held: BTreeMap<usize, Arc<Claim>>,
    keeper: Keeper,
    name: String,
    lease: Duration,
    started: Instant,
    /// Before that, nothing is asked of the disk.
    next_look: Instant,
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
            queue,
            indices: runs.iter().map(of).zip(0..).collect(),
            folders: runs.iter().map(|run| (of(run), run.folder.clone())).collect(),
            held: BTreeMap::new(),
            keeper: Keeper::start(lease)?,
            name,
            lease,
            started: Instant::now(),
            next_look: Instant::now(),
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
        let (started, folders) = (self.started, &self.folders);
        // What cannot be read is reported when it is trained.
        let is_done = |run: &str| {
            let run = folders.get(run).and_then(|folder| RunFolder::open(folder).ok());
            Ok(run.is_some_and(|run| matches!(run.done(), Ok(Some(_)))))
        };
        Ok(match self.queue.next(|| started.elapsed(), is_done)? {
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

    /// The training of a run has come to this end; returns whether it is left to a later attempt, of this process or of
    /// another one.
    pub fn is_put_back(&mut self, index: usize, end: &End) -> Result<bool> {
        let Some(claim) = self.held.remove(&index) else { return Ok(false) };
        self.keeper.let_go(&claim);
        self.next_look = Instant::now();
        let is_busy = matches!(end, End::Failed(Failure { code: BUSY, .. }));
        let given = match end {
            End::Failed(Failure { how, .. }) if !is_busy => claim.fail(how),
            End::Failed(_) | End::Stopped | End::Done => claim.give_back(),
        };
        match given {
            // Whichever process has the claim by now finds the run done.
            _ if *end == End::Done => return Ok(false),
            Ok(()) if !is_busy => return Ok(false),
            Ok(()) | Err(RunError::ClaimLost { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.queue.put_back(claim.run());
        self.pause();
        Ok(true)
    }

    /// The runs whose training failed in other processes, and how.
    pub fn failures(&self) -> Result<Vec<(usize, String)>> {
        let failed = self.queue.failed().iter();
        let how = failed.map(|(run, entry)| {
            let reason = self.queue.claims().reason(run, entry)?;
            Ok((self.indices[run], format!("{reason} (of {})", entry.worker())))
        });
        how.collect()
    }

    /// Removes all claims of a study whose runs are all done.
    pub fn remove(&self) {
        self.queue.claims().remove();
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
