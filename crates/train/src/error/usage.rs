//! Which errors are the caller's.

use qkv_run::is_unreadable;

use super::TrainError;

impl TrainError {
    /// Whether the caller asked for something impossible, so that nothing was started.
    pub fn is_usage(&self) -> bool {
        match self {
            // A folder asked for below a file can never be made; a full disk is another matter.
            Self::Io { action: "create", source, .. } => source.kind() == std::io::ErrorKind::NotADirectory,
            Self::Io { action: "read", source, .. }
            | Self::TextUnread { source, .. }
            | Self::PairsUnread { source, .. } => is_unreadable(source),
            Self::Run(error) => error.is_usage(),
            Self::Diverged { .. }
            | Self::Observer(_)
            | Self::Processes(_)
            | Self::Io { action: "write", .. } => false,
            _ => true,
        }
    }
}
