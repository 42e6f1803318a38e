//! What can be wrong with a run folder.

mod usage;

pub use usage::is_unreadable;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::storage::{is_full, room};

/// Everything that this crate reports.
#[derive(Debug, Error)]
pub enum RunError {
    /// There is nothing at this path.
    #[error("{} does not exist; give the folder of a run", path.display())]
    NotFound {
        /// What was asked for.
        path: PathBuf,
    },
    /// The folder is something else.
    #[error("{} is not a run folder: {missing} is missing; give a folder that training wrote", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What a run has and this folder lacks.
        missing: &'static str,
    },
    /// Nothing was saved, or not completely.
    #[error(
        "{} has no complete checkpoint: each needs MANIFEST.json, model.safetensors and config.json, found {incomplete} \
         without them; train until the first one is saved",
        path.display()
    )]
    NoCheckpoint {
        /// The run folder.
        path: PathBuf,
        /// Step folders that lack one of the files.
        incomplete: usize,
    },
    /// The checkpoints of a run were taken away.
    #[error(
        "{} has no checkpoint, and the log of the run reports one of step {step} as saved; put them back, or train another run",
        path.display()
    )]
    CheckpointsGone {
        /// The folder of the checkpoints.
        path: PathBuf,
        /// The last step that was saved.
        step: u64,
    },
    /// No complete checkpoint was kept at this step.
    #[error("{} has no checkpoint of step {step}; {}", path.display(), list(known))]
    NoSuchStep {
        /// The run folder.
        path: PathBuf,
        /// What was asked for.
        step: u64,
        /// The steps of the complete ones.
        known: Vec<u64>,
    },
    /// There is a run in the folder of a new one.
    #[error("{} already holds a run", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// There is something else in the folder of a new run.
    #[error("{} is not empty and holds no run of this program; choose another folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Another process trains the run.
    #[error("{} is in use by {}; wait for it, or stop it", path.display(), name_of(*owner))]
    Busy {
        /// The folder.
        path: PathBuf,
        /// Its process id, where it can be read.
        owner: Option<u32>,
    },
    /// A run is asked for within another one.
    #[error(
        "{} lies in the folder of a run, {}, whose files it would become a part of; choose a folder outside of it",
        path.display(),
        run.display()
    )]
    WithinARun {
        /// The folder of the new run.
        path: PathBuf,
        /// That of the other one.
        run: PathBuf,
    },
    /// The run in this folder was being replaced by another one when the process died.
    #[error(
        "{} holds no run: the one that was there was being removed for another in its place, which was not begun; train \
         a run into this folder again",
        path.display()
    )]
    HalfRemoved {
        /// The folder.
        path: PathBuf,
    },
    /// The lock that a training holds is no longer in the folder of its run.
    #[error(
        "{} is no longer the folder that this training has locked: it was moved, removed or replaced, or its run.lock \
         was; nothing was written or removed there since, and what was saved is whole where the folder is now; put it \
         back and resume the run",
        path.display()
    )]
    LockLost {
        /// The folder.
        path: PathBuf,
    },
    /// Another worker of a study trains the run.
    #[error(
        "{} was taken over by another worker of the study, because this one did not renew its claim in time; it changes \
         nothing there any more, and what was saved is whole",
        path.display()
    )]
    ClaimLost {
        /// The folder of the run.
        path: PathBuf,
    },
    /// The file system has no locks.
    #[error(
        "cannot lock {}: {source}; the file system has no locks, which keep a second training out: choose a folder on \
         another one",
        path.display()
    )]
    NoLocks {
        /// The file that is locked.
        path: PathBuf,
        /// What the system reported.
        source: io::Error,
    },
    /// A file is not what was written. It will not become so: a resume falls back from this, and from this alone.
    #[error("{} is damaged: {what}", file.display())]
    Damaged {
        /// The file or folder.
        file: PathBuf,
        /// What was found, and what was expected.
        what: String,
    },
    /// A file is of another version.
    #[error(
        "{} has the format {found}, this version reads {}; use the version that wrote it",
        file.display(),
        known.join(", ")
    )]
    UnknownFormat {
        /// The file.
        file: PathBuf,
        /// What it names as its format.
        found: String,
        /// What this version reads.
        known: &'static [&'static str],
    },
    /// A file is not written, because it could not be read back. Nothing of it is there.
    #[error("{} cannot be written so that it can be read back: {what}", file.display())]
    NotReadable {
        /// The file.
        file: PathBuf,
        /// What it would be, and what was expected.
        what: String,
    },
    /// A file, or the files of a checkpoint, do not fit on the disk, into a quota, or below a limit of the process.
    #[error("cannot write {}: {source}{}", path.display(), room(source.kind(), *bytes))]
    DiskFull {
        /// The file or folder.
        path: PathBuf,
        /// What it was to have; 0 for a name alone.
        bytes: u64,
        /// What the system reported.
        source: io::Error,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `"read"`, `"create"`, `"write"`, `"sync"`, `"rename"`, `"remove"`, `"lock"`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system reported.
        source: io::Error,
    },
}

impl RunError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.downcast() {
            // One of ours, from within a storage.
            Ok(error) => error,
            Err(source) if action != "read" && is_full(&source) => {
                Self::DiskFull { path: path.to_owned(), bytes: 0, source }
            }
            Err(source) => Self::Io { action, path: path.to_owned(), source },
        }
    }

    /// For a file or folder that was to have so many bytes.
    pub(crate) fn writing(path: &Path, bytes: usize) -> impl FnOnce(io::Error) -> Self {
        let (path, bytes) = (path.to_owned(), bytes as u64);
        move |source| match is_full(&source) {
            true => Self::DiskFull { path, bytes, source },
            false => Self::io("write", &path)(source),
        }
    }

    pub(crate) fn damaged(file: &Path, what: String) -> Self {
        Self::Damaged { file: file.to_owned(), what }
    }

    pub(crate) fn not_readable(file: &Path, what: String) -> Self {
        Self::NotReadable { file: file.to_owned(), what }
    }

    pub(crate) fn unknown_format(file: &Path, found: String, known: &'static [&'static str]) -> Self {
        Self::UnknownFormat { file: file.to_owned(), found, known }
    }
}

fn name_of(owner: Option<u32>) -> String {
    owner.map_or("another process".to_owned(), |id| format!("process {id}"))
}

/// The steps that there are, at most twelve of them.
fn list(steps: &[u64]) -> String {
    const SHOWN: usize = 12;
    let text = |steps: &[u64]| steps.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    match steps {
        [] => "it has none of any other".to_owned(),
        _ if steps.len() <= SHOWN => format!("it has those of {}", text(steps)),
        _ => format!(
            "it has those of {}, …, {}",
            text(&steps[..SHOWN / 2]),
            text(&steps[steps.len() - SHOWN / 2..])
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    #[test]
    fn what_is_full_is_named() {
        let message =
            |kind: ErrorKind, bytes| RunError::writing(Path::new("run"), bytes)(kind.into()).to_string();
        for (kind, what) in [
            (ErrorKind::StorageFull, "the disk is full, or has no inode left"),
            (ErrorKind::QuotaExceeded, "your quota is full"),
            (ErrorKind::FileTooLarge, "no file may be so long here"),
        ] {
            let written = message(kind, 7);
            assert!(
                written.starts_with("cannot write run: ") && written.contains("it needs 7 bytes; "),
                "{written}"
            );
            assert!(written.contains(what), "{written}");
            let created = RunError::io("create", Path::new("run"))(kind.into()).to_string();
            assert!(created.contains(what) && !created.contains("0 bytes"), "{created}");
        }
        let read = RunError::io("read", Path::new("run"))(ErrorKind::FileTooLarge.into());
        assert!(matches!(read, RunError::Io { .. }));
    }
}
