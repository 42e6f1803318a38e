//! The folder of all claims of a study, as one worker sees it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::entry::{Entry, State};
use super::held::Claim;
use crate::error::RunError;
use crate::storage::{Storage, UNFINISHED, create_folders, list, remove_tree, sync_folder};

/// The folder of the claims, in that of the study.
const CLAIMS: &str = ".claims";

/// A listing may be made in the middle of a rename, and then has both names or neither; the next one has one of them.
const LOOKS: u32 = 5;

/// The longest reason of a failure that is read; a longer one is cut.
const MAX_REASON: u64 = 1 << 14;

/// The claims of one study, for one worker.
#[derive(Debug, Clone)]
pub struct Claims {
    pub(super) storage: Arc<dyn Storage>,
    study: PathBuf,
    folder: PathBuf,
    worker: String,
    /// Of the next entry that this worker makes.
    next_number: Arc<AtomicU64>,
}

/// What is known of a run's claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It never had one.
    Unclaimed,
    /// A worker trains it, or died.
    Held(Entry),
    /// A worker gave it back.
    Free(Entry),
    /// Its training failed.
    Failed(Entry),
}

impl Claims {
    /// The claims of the study whose runs lie in `study`, for the worker of this name, which no other worker may ever
    /// have. Nothing is created yet.
    ///
    /// # Panics
    /// If the name has anything but letters, digits and hyphens.
    pub fn new(storage: Arc<dyn Storage>, study: &Path, worker: &str) -> Self {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
        assert!(!worker.is_empty() && worker.chars().all(is_name), "no name of a worker: {worker}");
        let (study, folder) = (study.to_owned(), study.join(CLAIMS));
        Self { storage, study, folder, worker: worker.to_owned(), next_number: Arc::default() }
    }

    /// What is known of a run's claim.
    ///
    /// # Errors
    /// If its folder cannot be read, or has something else than one entry.
    pub fn look(&self, run: &str) -> Result<Standing, RunError> {
        let mut names = Vec::new();
        for _ in 0..LOOKS {
            names = match list(&*self.storage, &self.of(run)) {
                // Another worker has found all runs done meanwhile.
                Err(RunError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Vec::new(),
                names => names?,
            };
            let mut entries = names.iter().filter_map(|name| Entry::parse(name.to_str()?));
            match (entries.next(), entries.next()) {
                (Some(entry), None) => {
                    return Ok(match entry.state {
                        State::Held => Standing::Held(entry),
                        State::Free => Standing::Free(entry),
                        State::Failed => Standing::Failed(entry),
                    });
                }
                (None, None) if names.is_empty() => return Ok(Standing::Unclaimed),
                _ => {}
            }
        }
        let found = names.iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join(", ");
        let what = format!(
            "expected one file whose name begins with held., free. or failed., found {found}; remove the folder while no \
             worker trains the run"
        );
        Err(RunError::damaged(&self.of(run), what))
    }

    /// Claims a run that has no claim; `None` where another worker was faster.
    ///
    /// # Errors
    /// If the disk reports a failure.
    pub fn claim(&self, run: &str) -> Result<Option<Claim>, RunError> {
        let entry = self.entry(State::Held);
        let prepared = self.folder.join(format!("+{}.{}", self.worker, entry.number));
        create_folders(&*self.storage, &prepared)?;
        let file = prepared.join(entry.to_string());
        self.storage.write_new(&file, b"").map_err(RunError::io("create", &file))?;
        sync_folder(&*self.storage, &prepared)?;
        match self.storage.rename(&prepared, &self.of(run)) {
            Err(error) if !self.is_now(run, &entry)? => {
                let _ = remove_tree(&*self.storage, &prepared);
                // The name is taken, and so is the run.
                if self.storage.entry(&self.of(run)).is_ok_and(|found| found.is_some()) {
                    return Ok(None);
                }
                return Err(RunError::io("rename", &prepared)(error));
            }
            _ => sync_folder(&*self.storage, &self.folder)?,
        }
        Ok(Some(Claim::new(self, run, entry)))
    }

    /// Takes over the claim of a run from the worker that made `seen`; `None` where it is another one by now.
    ///
    /// # Errors
    /// If the disk reports a failure.
    pub fn take(&self, run: &str, seen: &Entry) -> Result<Option<Claim>, RunError> {
        let entry = self.entry(State::Held);
        let taken = self.replace(run, seen, &entry)?;
        Ok(taken.then(|| Claim::new(self, run, entry)))
    }

    /// Why the training of a run failed.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn reason(&self, run: &str, failed: &Entry) -> Result<String, RunError> {
        let file = self.of(run).join(failed.to_string());
        let reasons = self.storage.read_end(&file, MAX_REASON).map_err(RunError::io("read", &file))?;
        // Those of earlier attempts stand before it.
        Ok(String::from_utf8_lossy(&reasons).lines().last().unwrap_or_default().to_owned())
    }

    /// Removes all claims: a study whose runs are all done needs none. What cannot be removed stays, because another worker
    /// may do the same at this moment.
    pub fn remove(&self) {
        let removed = self.study.join(format!("{CLAIMS}.{}{UNFINISHED}", self.worker));
        if self.storage.rename(&self.folder, &removed).is_ok() {
            let _ = remove_tree(&*self.storage, &removed);
        }
    }

    /// Puts an entry in the place of another one; returns whether that was still there.
    pub(super) fn replace(&self, run: &str, from: &Entry, to: &Entry) -> Result<bool, RunError> {
        let folder = self.of(run);
        let (old, new) = (folder.join(from.to_string()), folder.join(to.to_string()));
        match self.storage.rename(&old, &new) {
            Err(_) if self.is_now(run, to)? => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            result => result.map_err(RunError::io("rename", &old))?,
        }
        sync_folder(&*self.storage, &folder)?;
        Ok(true)
    }

    /// An entry that was never there.
    pub(super) fn entry(&self, state: State) -> Entry {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        Entry { state, worker: self.worker.clone(), number }
    }

    /// The folder of a run.
    pub(super) fn run(&self, run: &str) -> PathBuf {
        self.study.join(run)
    }

    /// The folder of a run's claim.
    pub(super) fn of(&self, run: &str) -> PathBuf {
        self.folder.join(run)
    }

    fn is_now(&self, run: &str, entry: &Entry) -> Result<bool, RunError> {
        let file = self.of(run).join(entry.to_string());
        Ok(self.storage.entry(&file).map_err(RunError::io("read", &file))?.is_some())
    }
}
