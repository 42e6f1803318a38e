//! From a result to an exit code: 0 done, 1 failed, 2 bad usage, 3 busy, 4 diverged.

use std::io::{Write, stderr};
use std::process::ExitCode;

use qkv_inspect::InspectError;
use qkv_model::ModelError;
use qkv_train::TrainError;

/// The user asked for something that cannot be done; nothing was started.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// For `anyhow::bail!`-like use: an error that exits with 2.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    Usage(message.into()).into()
}

/// Prints an error, if there is one, and says how the process ends.
pub fn code(result: anyhow::Result<ExitCode>) -> ExitCode {
    let error = match result {
        Ok(code) => return code,
        Err(error) => error,
    };
    // Somebody closed our output, as `qkv … | head` does: nobody is left to tell.
    if is_broken_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    // Where the error output is closed as well, the exit code still tells; `eprintln` would panic.
    let _ = writeln!(stderr(), "error: {}", sentence(&error));
    let is_usage = error.is::<Usage>()
        || error.is::<InspectError>()
        || error.is::<ModelError>()
        || error.downcast_ref::<TrainError>().is_some_and(TrainError::is_usage);
    match error.downcast_ref::<TrainError>() {
        Some(TrainError::Diverged { .. }) => ExitCode::from(4),
        Some(TrainError::Busy { .. }) => ExitCode::from(3),
        _ if is_usage => ExitCode::from(2),
        _ => ExitCode::from(1),
    }
}

/// The error and its causes in one line; a cause that a message already ends with is not said again.
fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !sentence.ends_with(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    sentence
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}
