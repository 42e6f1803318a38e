//! Errors of a place that has no room left for what is written.

use std::io::{self, ErrorKind};

/// Whether something has no room left for what is written.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// What is needed, what is full, and what to do.
pub(crate) fn room(kind: ErrorKind, bytes: u64) -> String {
    let needed = if bytes == 0 { String::new() } else { format!(", it needs {bytes} bytes") };
    let what = match kind {
        ErrorKind::QuotaExceeded => "your quota is full: remove files, or have it raised",
        ErrorKind::FileTooLarge => {
            "no file may be so long here, by a limit of this process or of the file system: raise the limit, or choose \
             another file system"
        }
        _ => "the disk is full, or has no inode left: make room",
    };
    format!("{needed}; {what}")
}
