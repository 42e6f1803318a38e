//! What is found in a run that is not as it was written.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::RunError;

/// Something in a run folder that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// Where in it; `None` if it is the file as a whole.
    pub bytes: Option<Range<u64>>,
    /// What was found, and what was expected.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bytes {
            Some(Range { start, end }) => {
                write!(f, "{}, bytes {start} to {end}: {}", self.file.display(), self.what)
            }
            None => write!(f, "{}: {}", self.file.display(), self.what),
        }
    }
}

impl Finding {
    /// An error that was met in `file` or below it.
    pub(super) fn of_error(error: RunError, file: &Path) -> Self {
        let (file, what) = match error {
            RunError::Damaged { file, what } => (file, what),
            RunError::Io { action, path, source } => (path, format!("cannot {action} it: {source}")),
            RunError::UnknownFormat { file, found, known } => {
                (file, format!("its format is {found}, this version reads {}", known.join(", ")))
            }
            other => (file.to_owned(), other.to_string()),
        };
        Self { file, bytes: None, what }
    }
}

/// What is wrong with the bytes of a file, and where in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub bytes: Option<Range<u64>>,
    pub what: String,
}

impl Fault {
    pub fn of_all(what: impl Into<String>) -> Self {
        Self { bytes: None, what: what.into() }
    }

    pub fn at(bytes: Range<u64>, what: impl Into<String>) -> Self {
        Self { bytes: Some(bytes), what: what.into() }
    }

    pub fn in_file(self, file: &Path) -> Finding {
        Finding { file: file.to_owned(), bytes: self.bytes, what: self.what }
    }
}
