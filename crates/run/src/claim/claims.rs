//! The folder of all claims of a study, as one worker sees it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::entry::{Entry, State};
use super::held::Claim;
use super::history::{History, Line};
use crate::error::RunError;
use crate::storage::{Storage, UNFINISHED, create_folders, list, remove_tree, sync_folder};

/// The folder of the claims, in that of the study.
const CLAIMS: &str = ".claims";

/// A listing may be made in the middle of a rename, and then has both names or neither; the next one has one of them.
const LOOKS: u32 = 5;

/// So much of a file is read at its end: the reasons of several attempts, of which a longer one is cut.
const MAX_HISTORY: u64 = 1 << 14;

/// Before the name of a claim in the making, which is no run's.
const PREPARED: char = '+';

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

    /// The entry of a run's claim; `None` where it never had one.
    ///
    /// # Errors
    /// If its folder cannot be read, or has something else than one entry.
    pub fn look(&self, run: &str) -> Result<Option<Entry>, RunError> {
        let mut names = Vec::new();
        for _ in 0..LOOKS {
            names = match list(&*self.storage, &self.of(run)) {
                // Another worker has found all runs done meanwhile.
                Err(RunError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Vec::new(),
                names => names?,
            };
            let mut entries = names.iter().filter_map(|name| Entry::parse(name.to_str()?));
            match (entries.next(), entries.next()) {
                (Some(entry), None) => return Ok(Some(entry)),
                (None, None) if names.is_empty() && !self.is_there(&self.of(run))? => return Ok(None),
                _ => {}
            }
        }
        if names.is_empty() {
            // The next claim takes the place of a folder that stays empty.
            return Ok(None);
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
        for _ in 1..LOOKS {
            match self.try_to_claim(run) {
                // Another worker has removed all claims of a study that was done at this moment.
                Err(RunError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                result => return result,
            }
        }
        self.try_to_claim(run)
    }

    fn try_to_claim(&self, run: &str) -> Result<Option<Claim>, RunError> {
        let entry = self.entry(State::Held);
        let prepared = self.folder.join(format!("{PREPARED}{}.{}", self.worker, entry.number));
        create_folders(&*self.storage, &prepared)?;
        let file = prepared.join(entry.to_string());
        self.storage.write_new(&file, b"").map_err(RunError::io("create", &file))?;
        sync_folder(&*self.storage, &prepared)?;
        match self.storage.rename(&prepared, &self.of(run)) {
            Err(error) if !self.is_now(run, &entry)? => {
                let _ = remove_tree(&*self.storage, &prepared);
                // The name was taken, and so was the run, even if all claims were removed since.
                let is_taken =
                    matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists);
                if self.storage.entry(&self.of(run)).is_ok_and(|found| found.is_some()) || is_taken {
                    return Ok(None);
                }
                return Err(RunError::io("rename", &prepared)(error));
            }
            _ => sync_folder(&*self.storage, &self.folder)?,
        }
        Ok(Some(Claim::new(self, run, entry)))
    }

    /// Takes over the claim of a run from the worker that made `seen`; `None` where it is another one by now. If that worker
    /// held it, its attempt counts as one that was cut short.
    ///
    /// # Errors
    /// If the disk reports a failure.
    pub fn take(&self, run: &str, seen: &Entry) -> Result<Option<Claim>, RunError> {
        let entry = self.entry(State::Held);
        if !self.replace(run, seen, &entry)? {
            return Ok(None);
        }
        if seen.state == State::Held {
            // The run is this worker's by now, whether it is counted or not.
            let _ =
                self.write(run, &entry, Line::Interrupted(&format!("{} died or stood still", seen.worker)));
        }
        Ok(Some(Claim::new(self, run, entry)))
    }

    /// What became of the attempts to train a run, as the file of this entry has it; nothing where the entry is another one
    /// by now.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn history(&self, run: &str, entry: &Entry) -> Result<History, RunError> {
        let file = self.of(run).join(entry.to_string());
        match self.storage.read_end(&file, MAX_HISTORY) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(RunError::io("read", &file)(error)),
            lines => Ok(History::parse(&lines.unwrap_or_default())),
        }
    }

    /// Removes all claims of a study whose runs are all done, as [`Queue::next`](super::Queue::next) asks it; where one is
    /// not, another worker trains more runs in this folder, and all stay. What cannot be removed stays as well, because
    /// another worker may do the same at this moment.
    ///
    /// # Errors
    /// If the claims cannot be listed, or as `is_done`.
    pub fn remove(&self, is_done: impl Fn(&str) -> Result<bool, RunError>) -> Result<(), RunError> {
        for name in list(&*self.storage, &self.folder)? {
            let name = name.to_string_lossy();
            // A worker that prepares one begins again.
            if !name.starts_with(PREPARED) && !is_done(&name)? {
                return Ok(());
            }
        }
        let removed = self.study.join(format!("{CLAIMS}.{}{UNFINISHED}", self.worker));
        if self.storage.rename(&self.folder, &removed).is_ok() {
            let _ = remove_tree(&*self.storage, &removed);
        }
        Ok(())
    }

    /// Adds a line to the file of an entry; where that is not there, its claim was lost, which the next rename reports.
    pub(super) fn write(&self, run: &str, entry: &Entry, line: Line<'_>) -> Result<(), RunError> {
        let file = self.of(run).join(entry.to_string());
        match self.storage.append(&file, line.to_string().as_bytes()) {
            Ok(()) => match self.storage.sync_file(&file) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                synced => synced.map_err(RunError::io("sync", &file)),
            },
            // A full disk costs the reason, and not the claim.
            Err(_) => Ok(()),
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
        match sync_folder(&*self.storage, &folder) {
            // It went with all claims.
            Err(RunError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(false),
            synced => synced.map(|()| true),
        }
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
        self.is_there(&self.of(run).join(entry.to_string()))
    }

    fn is_there(&self, path: &Path) -> Result<bool, RunError> {
        Ok(self.storage.entry(path).map_err(RunError::io("read", path))?.is_some())
    }
}
