//! From a result to an exit code: 0 done, 1 failed, 2 bad usage, 3 busy, 4 diverged.

use std::io::Write;
use std::process::ExitCode;

use qkv_inspect::InspectError;
use qkv_model::ModelError;
use qkv_run::{RunError, RunFolder};
use qkv_study::StudyError;
use qkv_train::{Registry, SettingFault, TrainError};
use thiserror::Error;

use crate::advice::{self, DivergedRun};
use crate::output::stdout::{Stdout, one_line, print_error};

/// The user asked for something that cannot be done; nothing was started.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// The same with lines below the first, of numbers and of names of ours.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct UsageWithTable(pub String);

/// Several settings are wrong; what is wrong with each.
#[derive(Debug, Clone, Error)]
#[error("{} settings are wrong:{}", .0.len(), .0.iter().map(|fault| format!("\n  {fault}")).collect::<String>())]
pub struct WrongSettings(pub Vec<String>);

/// For `anyhow::bail!`-like use: an error that exits with 2.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    Usage(message.into()).into()
}

/// The context of any other error that ended a training. What was asked for was possible, so it is no bad usage.
#[derive(Debug, Error)]
#[error("{0}")]
struct FailedTraining(String);

/// Adds to the error of a training what goes on from it: for a training that diverged its run and its rate.
pub fn of_training(error: TrainError, run: &RunFolder, learning_rate: f64) -> anyhow::Error {
    if !matches!(error, TrainError::Diverged { .. }) {
        return of_a_share(error);
    }
    anyhow::Error::new(error).context(DivergedRun::new(run, learning_rate))
}

/// The error of a training on a process that has no folder of the run.
pub fn of_a_share(error: TrainError) -> anyhow::Error {
    let message = error.to_string();
    anyhow::Error::new(error).context(FailedTraining(message))
}

/// What ended a study while its runs were trained, with what to do about it.
pub fn of_study(error: &anyhow::Error, registry: &Registry) -> anyhow::Error {
    FailedTraining(sentence(error, registry)).into()
}

/// Prints what the parser of the arguments answers: a refusal, or the help that was asked for.
pub fn parser_message(message: &clap::Error, registry: &Registry) -> ExitCode {
    let text = message.render().to_string();
    if message.use_stderr() {
        print_error(text.trim_end());
    } else {
        let out = &mut Stdout::new();
        if let Err(error) = write!(out, "{text}").and_then(|()| out.flush()) {
            return code(Err(error.into()), registry);
        }
    }
    ExitCode::from(message.exit_code() as u8)
}

/// Prints an error, if any, and returns the exit code of the process.
pub fn code(result: anyhow::Result<ExitCode>, registry: &Registry) -> ExitCode {
    match result {
        Ok(code) => code,
        // The reader of the output has closed it, as `qkv … | head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(report(&error, registry)),
    }
}

/// Prints an error, and returns the number of its exit code.
pub fn report(error: &anyhow::Error, registry: &Registry) -> u8 {
    report_as("error", error, registry)
}

/// The same with another beginning of the line.
pub fn report_as(beginning: &str, error: &anyhow::Error, registry: &Registry) -> u8 {
    let message = format!("{beginning}: {}", sentence(error, registry));
    print_error(&if error.is::<UsageWithTable>() { message } else { in_lines(&message, error) });
    number(error)
}

/// A message in one line, or in one for each of several wrong settings.
fn in_lines(message: &str, error: &anyhow::Error) -> String {
    let faults = match error.downcast_ref() {
        Some(TrainError::Setting(SettingFault::Several { faults })) => {
            Some(WrongSettings(faults.iter().map(ToString::to_string).collect()))
        }
        _ => error.downcast_ref().cloned(),
    };
    let parts = faults.and_then(|faults| Some((message.split_once(&faults.to_string())?, faults)));
    let Some(((before, behind), WrongSettings(faults))) = parts else { return one_line(message) };
    let faults = WrongSettings(faults.iter().map(|fault| one_line(fault)).collect());
    format!("{}{faults}{}", one_line(before), one_line(behind))
}

/// The number of the exit code of an error.
pub fn number(error: &anyhow::Error) -> u8 {
    let train = error.downcast_ref::<TrainError>();
    let inspect = error.downcast_ref::<InspectError>();
    let is_usage = !error.is::<FailedTraining>()
        && (error.is::<Usage>()
            || error.is::<UsageWithTable>()
            || error.is::<WrongSettings>()
            || inspect.is_some_and(InspectError::is_usage)
            || error.is::<ModelError>()
            || error.is::<StudyError>()
            || run_error(error).is_some_and(RunError::is_usage)
            || train.is_some_and(TrainError::is_usage));
    match (train, run_error(error)) {
        (Some(TrainError::Diverged { .. }), _) => 4,
        (_, Some(RunError::Busy { .. } | RunError::ClaimLost { .. })) => 3,
        // What was asked for was possible, but for a loss of all.
        _ if is_usage && !advice::is_without_a_whole_one(error) => 2,
        _ => 1,
    }
}

/// The error, its causes and what to do about it on the command line, in one line; a cause that a message already
/// ends with is not repeated.
pub fn sentence(error: &anyhow::Error, registry: &Registry) -> String {
    let mut sentence = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !sentence.ends_with(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    match advice::about(error, registry) {
        Some(advice) => format!("{sentence}; {advice}"),
        None => sentence,
    }
}

/// What is wrong with a run folder, whichever library met it.
pub fn run_error(error: &anyhow::Error) -> Option<&RunError> {
    match (error.downcast_ref(), error.downcast_ref()) {
        (Some(TrainError::Run(error)), _) | (_, Some(InspectError::Run(error))) => Some(error),
        _ => error.downcast_ref(),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    #[test]
    fn what_cannot_be_read_is_bad_usage_until_a_training_has_begun() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let run = RunFolder::create(folder.path(), "", qkv_run::Existing::Keep)?;
        let path = folder.path().join("checkpoints");
        let of_run = |kind: ErrorKind| {
            let (path, source) = (path.clone(), Error::from(kind));
            RunError::Io { action: "read", path, source }
        };
        let unread = |kind| TrainError::Run(of_run(kind));
        for (kind, before) in
            [(ErrorKind::PermissionDenied, 2), (ErrorKind::NotADirectory, 2), (ErrorKind::Other, 1)]
        {
            assert_eq!(number(&unread(kind).into()), before, "{kind}");
            let during = of_training(unread(kind), &run, 0.1);
            assert_eq!(number(&during), 1, "{kind}");
            assert_eq!(sentence(&during, &Registry::new()), unread(kind).to_string());
            // Whichever library met it.
            let (file, source) = (path.clone(), Error::from(kind));
            let by_inspect = InspectError::Read { path: file, source };
            assert_eq!(number(&by_inspect.into()), before, "{kind}");
            assert_eq!(number(&InspectError::Run(of_run(kind)).into()), before, "{kind}");
            let (file, source) = (path.clone(), Error::from(kind));
            let by_train = TrainError::Io { action: "read", path: file, source };
            assert_eq!(number(&by_train.into()), before, "{kind}");
        }
        let diverged =
            TrainError::Diverged { step: 3, what: qkv_train::Quantity::Loss, tensor: None, value: f64::NAN };
        assert_eq!(number(&of_training(diverged, &run, 0.1)), 4);
        Ok(())
    }
}
