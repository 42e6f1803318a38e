//! How the training of a run came to its end.

use std::process::ExitStatus;

/// By the exit code of its worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It has its results.
    Done,
    /// A signal stopped it, and it is saved.
    Stopped,
    /// It can be tried again.
    Failed(Failure),
}

/// Why there are no results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code of the command, if this is the only failure.
    pub code: u8,
    pub how: String,
}

/// What a signal adds to its number.
const SIGNAL: i32 = 128;

impl End {
    pub fn of(status: ExitStatus) -> Self {
        match status.code() {
            Some(0) => Self::Done,
            Some(code) if code > SIGNAL => Self::Stopped,
            Some(code) => Self::failed(code.try_into().unwrap_or(1), format!("exit code {code}")),
            // "signal: 9 (SIGKILL)"
            None => Self::failed(1, status.to_string()),
        }
    }

    pub fn failed(code: u8, how: impl Into<String>) -> Self {
        Self::Failed(Failure { code, how: how.into() })
    }
}
