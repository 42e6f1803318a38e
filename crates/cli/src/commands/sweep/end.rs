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
    /// That of a worker, where its study is stopped or is not. A worker that has just been started dies of the signal that
    /// stops all, and a signal to it alone is a failure.
    pub fn of(status: ExitStatus, is_study_stopped: bool) -> Self {
        match status.code() {
            Some(0) => Self::Done,
            Some(code) if code > SIGNAL && is_study_stopped => Self::Stopped,
            Some(code) if code > SIGNAL => Self::failed(1, "its worker was stopped by a signal"),
            Some(code) => Self::failed(code.try_into().unwrap_or(1), format!("exit code {code}")),
            None if is_study_stopped => Self::Stopped,
            // "signal: 9 (SIGKILL)"
            None => Self::failed(1, status.to_string()),
        }
    }

    pub fn failed(code: u8, how: impl Into<String>) -> Self {
        Self::Failed(Failure { code, how: how.into() })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_signal_to_the_study_stops_its_workers_and_one_to_a_worker_is_a_failure() {
        let exit = |code: i32| ExitStatus::from_raw(code << 8);
        for by_signal in [exit(130), exit(143), ExitStatus::from_raw(2), ExitStatus::from_raw(15)] {
            assert_eq!(End::of(by_signal, true), End::Stopped, "{by_signal}");
            assert!(matches!(End::of(by_signal, false), End::Failed(Failure { code: 1, .. })), "{by_signal}");
        }
        for is_study_stopped in [false, true] {
            assert_eq!(End::of(exit(0), is_study_stopped), End::Done);
            assert_eq!(End::of(exit(4), is_study_stopped), End::failed(4, "exit code 4"));
        }
    }
}
