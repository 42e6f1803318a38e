//! Which errors of a run folder lie in what was asked for.

use std::io::{self, ErrorKind};

use super::RunError;

impl RunError {
    /// Whether the caller asked for something impossible, so that nothing was started.
    pub fn is_usage(&self) -> bool {
        match self {
            // A folder asked for below a file can never be made; a full disk is another matter.
            Self::Io { action: "create", source, .. } => source.kind() == ErrorKind::NotADirectory,
            Self::Io { action: "read", source, .. } => is_unreadable(source),
            Self::Busy { .. }
            | Self::DiskFull { .. }
            | Self::LockLost { .. }
            | Self::ClaimLost { .. }
            | Self::NoLocks { .. }
            | Self::Io { .. } => false,
            _ => true,
        }
    }
}

/// Whether an error of reading lies in what was named, which is missing, something else, or not permitted to this user.
/// Any other one, such as a disk that fails, does not.
pub fn is_unreadable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidData
            | ErrorKind::InvalidFilename
            | ErrorKind::FileTooLarge
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_failing_disk_is_no_bad_usage() {
        let unread = |source: io::Error| RunError::io("read", Path::new("run"))(source).is_usage();
        assert!(unread(ErrorKind::PermissionDenied.into()) && unread(ErrorKind::IsADirectory.into()));
        // EIO, which is 5 on every Unix, has no kind.
        assert!(!unread(io::Error::from_raw_os_error(5)) || !cfg!(unix));
        assert!(!unread(ErrorKind::Other.into()) && !unread(ErrorKind::TimedOut.into()));
    }
}
