//! Lines on their way into a log, each of which reaches it once and whole.

use std::fmt::{self, Debug, Formatter};
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::RunError;
use crate::folder::{Held, METRICS, RunFolder, SET_ASIDE};
use crate::storage::{Entry, EntryKind, Storage, exists, free_name, rename, replace_file};

/// The log of a run, open to go on with it. What is written appears at every flush, whole lines at once; every
/// [checkpoint](RunFolder::write_checkpoint) syncs it. Its errors hold a [`RunError`].
///
/// Lines that cannot be written are kept. The next flush, or the next checkpoint, begins with those of their bytes that
/// are not in the file yet, so that the log has no gap, no torn line and none twice.
///
/// The file stays open, so that it is not lost with its name: where it is removed, renamed or replaced by a shorter one
/// while a run is trained, it comes back with every line before the next is written, and before the next checkpoint. What
/// has taken its name is set aside. Lines that others append stay; a file that is cut is an error, because its lines are
/// gone.
#[derive(Debug)]
pub struct Log {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    lines: Arc<Mutex<Lines>>,
    /// A run is locked while its log can be written.
    _held: Option<Arc<Held>>,
}

/// What a log and the run that it belongs to share.
#[derive(Default)]
pub(crate) struct Lines {
    /// What is not in the file.
    pending: Vec<u8>,
    /// What the file has before it, in bytes.
    length: u64,
    /// Whether appending failed, so that some of it may be in the file all the same.
    is_torn: bool,
    /// Whether there is a log that these lines belong to.
    is_open: bool,
    /// The bytes of the file from its beginning, whatever has become of its name.
    kept: Option<Box<dyn Read + Send>>,
}

impl Debug for Lines {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { pending, length, is_torn, is_open, .. } = self;
        let mut lines = f.debug_struct("Lines");
        lines.field("n_pending", &pending.len()).field("length", length).field("is_torn", is_torn);
        lines.field("is_open", is_open).finish_non_exhaustive()
    }
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
        if self.is_open {
            self.find(storage, path)?;
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

    /// Makes sure that the file has what was written to it.
    fn find(&mut self, storage: &dyn Storage, path: &Path) -> Result<(), RunError> {
        let found = storage.entry(path).map_err(RunError::io("read", path))?;
        match found.filter(|entry| entry.kind == EntryKind::File).map(|entry| entry.size) {
            Some(size) if self.is_torn && (self.length..=self.most()).contains(&size) => self.skip_to(size),
            // What another program has appended.
            Some(size) if !self.is_torn && size >= self.length => self.length = size,
            _ => self.restore(storage, path, found)?,
        }
        Ok(())
    }

    /// The most bytes that the file can have of this log.
    fn most(&self) -> u64 {
        self.length + if self.is_torn { self.pending.len() as u64 } else { 0 }
    }

    /// The holder of the lock alone appends to a log, so that what a failed append has left are the first of its bytes.
    fn skip_to(&mut self, size: u64) {
        self.pending.drain(..(size - self.length) as usize);
        self.length = size;
        self.is_torn = false;
    }

    /// Gives the log its file back, if its bytes are still to be had.
    fn restore(&mut self, storage: &dyn Storage, path: &Path, found: Option<Entry>) -> Result<(), RunError> {
        let mut whole = Vec::new();
        if let Some(kept) = &mut self.kept {
            kept.read_to_end(&mut whole).map_err(RunError::io("read", path))?;
        }
        let n_bytes = whole.len() as u64;
        // Until the file is there, these are all that is left of it.
        self.kept = Some(Box::new(Cursor::new(whole.clone())));
        if !(self.length..=self.most()).contains(&n_bytes) {
            let found = found.map_or("none".to_owned(), |entry| entry.size.to_string());
            let expected = match [self.length, self.most()] {
                [least, most] if least == most => least.to_string(),
                [least, most] => format!("{least} to {most}"),
            };
            let what = format!("another program has changed it: expected {expected} bytes, found {found}");
            return Err(RunError::damaged(path, what));
        }
        if exists(storage, path)? {
            rename(storage, path, &free_name(storage, path, SET_ASIDE)?)?;
        }
        replace_file(storage, path, &whole)?;
        self.skip_to(n_bytes);
        self.kept = storage.reader(path).ok().or(self.kept.take());
        Ok(())
    }
}

impl RunFolder {
    /// The log that [`create_metrics`](Self::create_metrics) or [`rewind`](Self::rewind) has opened.
    pub fn log(&self) -> Log {
        let (storage, lines) = (Arc::clone(&self.storage), Arc::clone(&self.lines));
        Log { storage, path: self.path.join(METRICS), lines, _held: self.held.clone() }
    }

    /// The log, whose file has this length; lines that an earlier one could not write are given up with it.
    pub(super) fn open_log(&self, length: u64) -> Log {
        let path = self.path.join(METRICS);
        // Without it, a file that is removed is an error.
        let kept = self.storage.reader(&path).ok();
        *of(&self.lines) = Lines { length, is_open: true, kept, ..Lines::default() };
        self.log()
    }

    /// Writes the lines that are still to be written, if there are any. An open log has its file then, with all lines.
    pub(crate) fn flush_log(&self) -> Result<(), RunError> {
        of(&self.lines).flush(&*self.storage, &self.path.join(METRICS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Outcome, contents, run, steps_of};
    use crate::storage::Disk;
    use std::error::Error;
    use std::fs;

    #[test]
    fn whatever_part_of_a_line_was_written_the_next_flush_writes_the_rest() -> Outcome {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(METRICS);
        let (before, pending) = ("{\"a\":1}\n", "{\"b\":2}\n{\"c\":3}\n");
        for written in 0..=pending.len() {
            fs::write(&path, before.to_owned() + &pending[..written])?;
            let mut lines = Lines {
                pending: pending.into(),
                length: before.len() as u64,
                is_torn: true,
                is_open: true,
                kept: None,
            };
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
            let mut lines =
                Lines { pending: b"ab".into(), length: 8, is_torn: true, is_open: true, kept: None };
            let message = lines.flush(&Disk, &path).expect_err("changed").to_string();
            let expected = format!("expected 8 to 10 bytes, found {}", text.len());
            assert!(message.contains(&expected), "{message}");
            assert_eq!((fs::read_to_string(&path)?.as_str(), &lines.pending[..]), (text, &b"ab"[..]));
        }
        Ok(())
    }

    /// A run with an open log of two lines, whose third follows what `happens` to the file.
    fn after(
        happens: impl Fn(&Path) -> io::Result<()>,
    ) -> Result<(tempfile::TempDir, io::Result<()>), Box<dyn Error>> {
        let (folder, run) = run(&[0])?;
        let mut log = run.create_metrics()?;
        for line in ["1\n", "2\n"] {
            log.write_all(line.as_bytes())?;
            log.flush()?;
        }
        happens(&run.path().join(METRICS))?;
        log.write_all(b"3\n")?;
        Ok((folder, log.flush()))
    }

    #[test]
    fn a_log_that_loses_its_name_comes_back_with_every_line() -> Outcome {
        let moved = |path: &Path| path.with_extension("moved");
        let (removed, _) = after(|path| fs::remove_file(path))?;
        let (renamed, _) = after(|path| fs::rename(path, moved(path)))?;
        let (replaced, _) = after(|path| fs::rename(path, moved(path)).and_then(|()| fs::write(path, "x")))?;
        let (occupied, _) = after(|path| fs::remove_file(path).and_then(|()| fs::create_dir(path)))?;
        for folder in [&removed, &renamed, &replaced, &occupied] {
            assert_eq!(fs::read_to_string(folder.path().join(METRICS))?, "1\n2\n3\n");
        }
        let aside = |folder: &tempfile::TempDir| folder.path().join(METRICS.to_owned() + SET_ASIDE);
        assert_eq!(fs::read_to_string(aside(&replaced))?, "x");
        assert!(aside(&occupied).is_dir() && !aside(&removed).exists() && !aside(&renamed).exists());
        Ok(())
    }

    #[test]
    fn what_others_append_stays_and_a_log_that_is_cut_is_an_error() -> Outcome {
        let append = |path: &Path| fs::OpenOptions::new().append(true).open(path)?.write_all(b"note\n");
        let (folder, flushed) = after(append)?;
        flushed?;
        assert_eq!(fs::read_to_string(folder.path().join(METRICS))?, "1\n2\nnote\n3\n");
        let (_folder, flushed) = after(|path| fs::write(path, "1"))?;
        let message = flushed.expect_err("cut").to_string();
        assert!(message.contains("expected 4 bytes, found 1"), "{message}");
        Ok(())
    }

    #[test]
    fn a_checkpoint_is_never_without_the_log_before_it() -> Outcome {
        let (_folder, run) = run(&[0])?;
        let mut log = run.create_metrics()?;
        log.write_all(b"1\n")?;
        log.flush()?;
        let path = run.path().join(METRICS);
        fs::remove_file(&path)?;
        run.write_checkpoint(5, &contents(5))?;
        assert_eq!(fs::read_to_string(&path)?, "1\n");
        fs::write(&path, "")?;
        assert!(run.write_checkpoint(6, &contents(6)).is_err());
        assert_eq!(steps_of(&run)?, [0, 5]);
        Ok(())
    }
}
