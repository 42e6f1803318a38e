//! Lines on their way into a log, each of which reaches it once and whole.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::RunError;
use crate::folder::{METRICS, RunFolder};
use crate::storage::Storage;

/// The log of a run, open to go on with it. What is written appears at every flush, whole lines at once; every
/// [checkpoint](RunFolder::write_checkpoint) syncs it. Its errors hold a [`RunError`].
///
/// Lines that cannot be written are kept. The next flush, or the next checkpoint, begins with those of their bytes that
/// are not in the file yet, so that the log has no gap, no torn line and none twice.
#[derive(Debug)]
pub struct Log {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    lines: Arc<Mutex<Lines>>,
}

/// What a log and the run that it belongs to share.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// What is not in the file.
    pending: Vec<u8>,
    /// What the file has before it, in bytes.
    length: u64,
    /// Whether appending failed, so that some of it may be in the file all the same.
    is_torn: bool,
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        of(&self.lines).pending.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = of(&self.lines).flush(&*self.storage, &self.path);
        flushed.map_err(|error| io::Error::new(kind(&error), error))
    }
}

/// Of what the system reported.
fn kind(error: &RunError) -> ErrorKind {
    match error {
        RunError::DiskFull { source, .. } | RunError::Io { source, .. } => source.kind(),
        _ => ErrorKind::Other,
    }
}

/// Lines are as good after a panic as before it.
fn of(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lines {
    fn flush(&mut self, storage: &dyn Storage, path: &Path) -> Result<(), RunError> {
        if self.is_torn {
            self.skip_written(storage, path)?;
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        self.is_torn = true;
        let n_bytes = self.pending.len();
        storage.append(path, &self.pending).map_err(RunError::writing(path, n_bytes))?;
        self.is_torn = false;
        self.length += n_bytes as u64;
        self.pending.clear();
        Ok(())
    }

    /// The holder of the lock alone appends, so that what a failed append has left are the first of its bytes.
    fn skip_written(&mut self, storage: &dyn Storage, path: &Path) -> Result<(), RunError> {
        let size = storage.entry(path).map_err(RunError::io("read", path))?.map_or(0, |entry| entry.size);
        let most = self.length + self.pending.len() as u64;
        if !(self.length..=most).contains(&size) {
            let what = format!(
                "another program has changed it: expected {} to {most} bytes, found {size}",
                self.length
            );
            return Err(RunError::damaged(path, what));
        }
        self.pending.drain(..(size - self.length) as usize);
        self.length = size;
        self.is_torn = false;
        Ok(())
    }
}

impl RunFolder {
    /// The log, whose file has this length; lines that an earlier one could not write are given up with it.
    pub(super) fn open_log(&self, length: u64) -> Log {
        *of(&self.lines) = Lines { length, ..Lines::default() };
        Log {
            storage: Arc::clone(&self.storage),
            path: self.path.join(METRICS),
            lines: Arc::clone(&self.lines),
        }
    }

    /// Writes the lines that are still to be written, if there are any.
    pub(crate) fn flush_log(&self) -> Result<(), RunError> {
        of(&self.lines).flush(&*self.storage, &self.path.join(METRICS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::Outcome;
    use crate::storage::Disk;
    use std::fs;

    #[test]
    fn whatever_part_of_a_line_was_written_the_next_flush_writes_the_rest() -> Outcome {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(METRICS);
        let (before, pending) = ("{\"a\":1}\n", "{\"b\":2}\n{\"c\":3}\n");
        for written in 0..=pending.len() {
            fs::write(&path, before.to_owned() + &pending[..written])?;
            let mut lines = Lines { pending: pending.into(), length: before.len() as u64, is_torn: true };
            lines.flush(&Disk, &path)?;
            lines.pending.extend(b"{\"d\":4}\n");
            lines.flush(&Disk, &path)?;
            assert_eq!(fs::read_to_string(&path)?, before.to_owned() + pending + "{\"d\":4}\n", "{written}");
        }
        Ok(())
    }

    #[test]
    fn a_log_that_another_program_has_changed_is_not_written_on_after_an_error() -> Outcome {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(METRICS);
        for text in ["", "1234567", "12345678abc"] {
            fs::write(&path, text)?;
            let mut lines = Lines { pending: b"ab".into(), length: 8, is_torn: true };
            let message = lines.flush(&Disk, &path).expect_err("changed").to_string();
            let expected = format!("expected 8 to 10 bytes, found {}", text.len());
            assert!(message.contains(&expected), "{message}");
            assert_eq!((fs::read_to_string(&path)?.as_str(), &lines.pending[..]), (text, &b"ab"[..]));
        }
        Ok(())
    }
}
