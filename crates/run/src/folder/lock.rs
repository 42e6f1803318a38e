//! One process trains a run at a time.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::RunFolder;
use super::recovery::Repair;
use crate::error::RunError;
use crate::storage::{Guarded, Lock};

/// The file in a run folder that is held; the holder's process id stands in it.
pub(crate) const LOCK: &str = "run.lock";

/// The longest text of a process id that is read.
const MAX_OWNER: u64 = 32;

/// A process writes its id just after it took the lock; until then the file is empty, or has the id of one that died.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// How often it is looked for, as the owner may have to wait for a processor.
const LOOKS: u32 = 50;

/// The lock of a run, until the process ends at the latest.
#[derive(Debug)]
pub(crate) struct Held {
    _lock: Arc<dyn Lock>,
    repairs: Vec<Repair>,
}

impl RunFolder {
    /// The same run with its lock taken, to go on with it. What the death of its last process left unfinished is then
    /// put in order; [`repairs`](Self::repairs) lists it.
    ///
    /// Its [path](Self::path) is then one without links. Where the folder is moved or replaced, or its lock removed,
    /// nothing in it is changed any more, and every attempt is a [`RunError::LockLost`].
    ///
    /// # Errors
    /// [`RunError::Busy`] if another process holds it; or if a file cannot be read or written.
    pub fn locked(self) -> Result<Self, RunError> {
        let (mut run, lock) = self.lock()?;
        let repairs = run.repair()?;
        run.held = Some(Arc::new(Held { _lock: lock, repairs }));
        Ok(run)
    }

    /// What was put in order when the lock was taken.
    pub fn repairs(&self) -> &[Repair] {
        self.held.as_ref().map_or(&[], |held| &held.repairs)
    }

    /// The same run with its lock, which every change of it asks for from now on.
    pub(crate) fn lock(mut self) -> Result<(Self, Arc<dyn Lock>), RunError> {
        self.path = self.storage.resolve(&self.path).map_err(RunError::io("read", &self.path))?;
        let file = self.path.join(LOCK);
        let owner = format!("{}\n", std::process::id());
        let lock = self.storage.lock(&file, &owner).map_err(|source| not_locked(&file, source))?;
        let Some(lock) = lock else {
            return Err(RunError::Busy { owner: self.owner(&file), path: self.path });
        };
        self.storage = Arc::new(Guarded::new(self.storage, &lock, &self.path));
        self.held = Some(Arc::new(Held { _lock: Arc::clone(&lock), repairs: Vec::new() }));
        Ok((self, lock))
    }

    /// The process id in a lock that another process holds, if it can be read: some platforms keep a locked file from
    /// that.
    fn owner(&self, file: &Path) -> Option<u32> {
        (0..LOOKS).find_map(|_| {
            std::thread::sleep(BETWEEN_LOOKS);
            let owner = self.storage.read(file, MAX_OWNER).ok()?;
            str::from_utf8(&owner).ok()?.trim().parse().ok()
        })
    }
}

/// Network and virtual file systems may have no locks; which error reports that differs between them.
fn not_locked(file: &Path, source: io::Error) -> RunError {
    const ENOLCK: i32 = if cfg!(target_os = "linux") { 37 } else { 77 };
    let no_locks = cfg!(unix) && source.raw_os_error() == Some(ENOLCK);
    match no_locks || source.kind() == ErrorKind::Unsupported {
        true => RunError::NoLocks { path: file.to_owned(), source },
        false => RunError::io("lock", file)(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Outcome, run};
    use std::fs;

    #[test]
    fn two_processes_do_not_train_one_run() -> Outcome {
        let (_folder, run) = run(&[])?;
        let held = run.clone().locked()?;
        let message = run.clone().locked().expect_err("held").to_string();
        assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
        drop(held);
        run.locked()?;
        Ok(())
    }

    #[test]
    fn an_owner_is_named_that_has_not_written_its_id_yet() -> Outcome {
        let (folder, run) = run(&[])?;
        let path = folder.path().join(LOCK);
        let held = fs::File::create(&path)?;
        held.lock()?;
        let late = std::thread::spawn(move || {
            std::thread::sleep(5 * BETWEEN_LOOKS);
            fs::write(&path, "4711\n").map(|()| held)
        });
        let message = run.locked().expect_err("held").to_string();
        assert!(message.contains("process 4711"), "{message}");
        late.join().expect("no panic")?;
        Ok(())
    }

    #[test]
    #[cfg(unix)]
    fn a_link_in_place_of_the_lock_is_refused_and_what_it_leads_to_is_left_alone() -> Outcome {
        let (folder, run) = run(&[0])?;
        let (lock, other) = (folder.path().join(LOCK), folder.path().join("thesis.txt"));
        for target in ["years of work", "", "missing"] {
            fs::remove_file(&lock)?;
            std::os::unix::fs::symlink(&other, &lock)?;
            match target {
                "missing" => fs::remove_file(&other)?,
                text => fs::write(&other, text)?,
            }
            let message = run.clone().locked().expect_err("a link").to_string();
            assert!(message.contains("run.lock") && message.contains("a link"), "{message}");
            assert_eq!(fs::read_to_string(&other).unwrap_or("missing".to_owned()), target);
        }
        Ok(())
    }
}
