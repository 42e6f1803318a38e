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
    pub cause: Cause,
    pub how: String,
    /// The error that the worker reported.
    pub message: Option<String>,
}

/// What has to change before another attempt can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The study: the run can never be trained as it is.
    Refused,
    /// The study, or how it is trained.
    Diverged,
    /// Another process has the run.
    Busy,
    /// Perhaps nothing: its process was killed, or ended by a bug.
    Killed,
    /// The machine, its disk for example.
    Machine,
}

/// Before the number of an exit code.
const EXIT_CODE: &str = "exit code ";

impl Cause {
    /// That of a failure that another process has recorded, by its [reason](Failure::reason).
    pub fn of_reason(reason: &str) -> Self {
        let code = reason.strip_prefix(EXIT_CODE).and_then(|rest| rest.split(':').next()?.parse().ok());
        code.map_or(Self::Killed, Self::of)
    }

    fn of(code: i32) -> Self {
        match code {
            1 => Self::Machine,
            2 => Self::Refused,
            3 => Self::Busy,
            4 => Self::Diverged,
            _ => Self::Killed,
        }
    }

    /// The exit code of the command, if this is the only cause of failures. By then something was created, so it is no bad
    /// usage.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Busy => 3,
            Self::Diverged => 4,
            Self::Refused | Self::Killed | Self::Machine => 1,
        }
    }
}

impl Failure {
    pub fn new(cause: Cause, how: impl Into<String>) -> Self {
        Self { cause, how: how.into(), message: None }
    }

    /// By the exit code that stands for it.
    pub fn of_code(code: i32) -> Self {
        Self::new(Cause::of(code), format!("{EXIT_CODE}{code}"))
    }

    /// All that is known, for those who did not see the message.
    pub fn reason(&self) -> String {
        let Self { how, message, .. } = self;
        message.as_ref().map_or_else(|| how.clone(), |message| format!("{how}: {message}"))
    }
}

/// What a signal adds to its number.
const SIGNAL: i32 = 128;

impl End {
    /// That of a worker, where its study is stopped or is not, with the error that it reported. A worker that has just been
    /// started dies of the signal that stops all, and a signal to it alone is a failure.
    pub fn of(status: ExitStatus, is_study_stopped: bool, message: Option<String>) -> Self {
        let failure = match status.code() {
            Some(0) => return Self::Done,
            Some(code) if code > SIGNAL && is_study_stopped => return Self::Stopped,
            Some(code) if code > SIGNAL => Failure::new(Cause::Killed, "its worker was stopped by a signal"),
            Some(code) => Failure::of_code(code),
            None if is_study_stopped => return Self::Stopped,
            // "signal: 9 (SIGKILL)"
            None => Failure::new(Cause::Killed, status.to_string()),
        };
        Self::Failed(Failure { message, ..failure })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn cause(end: &End) -> Option<Cause> {
        if let End::Failed(failure) = end { Some(failure.cause) } else { None }
    }

    #[test]
    fn a_signal_to_the_study_stops_its_workers_and_one_to_a_worker_is_a_failure() {
        let exit = |code: i32| ExitStatus::from_raw(code << 8);
        for by_signal in [exit(130), exit(143), ExitStatus::from_raw(2), ExitStatus::from_raw(15)] {
            assert_eq!(End::of(by_signal, true, None), End::Stopped, "{by_signal}");
            assert_eq!(cause(&End::of(by_signal, false, None)), Some(Cause::Killed), "{by_signal}");
        }
        for is_study_stopped in [false, true] {
            assert_eq!(End::of(exit(0), is_study_stopped, None), End::Done);
            let diverged = End::of(exit(4), is_study_stopped, Some("NaN".to_owned()));
            let End::Failed(failure) = diverged else { panic!("{diverged:?}") };
            assert_eq!((failure.cause, failure.reason()), (Cause::Diverged, "exit code 4: NaN".to_owned()));
        }
        // A bug, and what the command itself then ends with.
        assert_eq!(cause(&End::of(exit(101), false, None)), Some(Cause::Killed));
        let codes = [1, 2, 3, 4].map(|code| Cause::of(code).exit_code());
        assert_eq!(codes, [1, 1, 3, 4]);
    }

    #[test]
    fn the_cause_of_a_recorded_failure_follows_from_its_reason() {
        for code in [1, 2, 3, 4, 101] {
            let failure = Failure::of_code(code);
            assert_eq!(Cause::of_reason(&failure.reason()), failure.cause, "{code}");
            let with_message = Failure { message: Some("exit code 3: x".to_owned()), ..failure };
            assert_eq!(Cause::of_reason(&with_message.reason()), with_message.cause, "{code}");
        }
        for other in ["", "signal: 9 (SIGKILL)", "cut short 3 times, because exit code 4"] {
            assert_eq!(Cause::of_reason(other), Cause::Killed, "{other}");
        }
    }
}
