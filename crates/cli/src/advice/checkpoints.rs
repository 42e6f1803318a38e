//! What can still be done where the checkpoint that a command needs is damaged, or cannot be read now.

use std::path::Path;

use qkv_run::{Checkpoint, RunError, RunFolder};
use qkv_train::{ConfigSource, Registry, TrainError};

use super::free_folder::free_folder;
use crate::exit::run_error;
use crate::output::text::shell;

/// Whether the error is that no checkpoint of a run is whole.
pub fn is_without_a_whole_one(error: &anyhow::Error) -> bool {
    Lost::by(error).is_some_and(|lost| lost.nothing_is_whole())
}

/// The newest checkpoint that can be read instead, if the one that cannot is the newest; where none is whole, the way
/// to begin again.
pub fn advice(error: &anyhow::Error, registry: &Registry) -> Option<String> {
    if let Some(RunError::CheckpointsGone { path, .. }) = run_error(error) {
        return begin_again(&RunFolder::open(path.parent()?).ok()?, registry);
    }
    let lost = Lost::by(error)?;
    if lost.nothing_is_whole() {
        let what_differs = "no checkpoint of it is whole, and `verify` lists what differs";
        return Some(match begin_again(&lost.run, registry) {
            Some(again) => format!("{what_differs}; {again}"),
            None => format!("{what_differs}; put back a copy of one"),
        });
    }
    let checkpoint = lost.checkpoint.as_ref()?;
    let other = lost.others.iter().find(|other| other.read().is_ok())?;
    if other.step > checkpoint.step {
        return None;
    }
    let (step, retry) = (other.step, if lost.is_damaged { "" } else { "try again later, or " });
    let what = if lost.is_damaged { "is whole" } else { "can be read" };
    let instead = format!("{retry}take that of step {step}, the newest that {what}");
    Some(match in_place_of(checkpoint, other, &lost.run) {
        Some(command) => format!("{instead}: {command}"),
        None => instead,
    })
}

/// What a command met in a run.
struct Lost {
    run: RunFolder,
    /// Where it met something; `None` if it found no complete one.
    checkpoint: Option<Checkpoint>,
    /// The other ones, complete or not, the newest first.
    others: Vec<Checkpoint>,
    /// That will not become whole.
    is_damaged: bool,
}

impl Lost {
    fn by(error: &anyhow::Error) -> Option<Self> {
        let (path, is_damaged) = match (run_error(error), error.downcast_ref()) {
            (Some(RunError::NoCheckpoint { path, incomplete: 1.. }), _) => {
                let run = RunFolder::open(path).ok()?;
                let others = newest_first(&run)?;
                return Some(Self { run, checkpoint: None, others, is_damaged: true });
            }
            (Some(RunError::Damaged { file, .. }), _) => (file, true),
            (Some(RunError::Io { action: "read", path, .. }), _) => (path, false),
            (_, Some(TrainError::NotSafetensors { path, .. })) => (path, true),
            _ => return None,
        };
        let checkpoint = path.ancestors().find_map(Checkpoint::named)?;
        let run = checkpoint.run()?;
        let mut others = newest_first(&run)?;
        let n_all = others.len();
        others.retain(|other| *other != checkpoint);
        let is_of_the_run = others.len() < n_all;
        is_of_the_run.then_some(Self { run, checkpoint: Some(checkpoint), others, is_damaged })
    }

    /// What cannot be read now may be whole.
    fn nothing_is_whole(&self) -> bool {
        let is_lost = |other: &Checkpoint| {
            matches!(other.read(), Err(RunError::Damaged { .. } | RunError::UnknownFormat { .. }))
        };
        self.is_damaged && self.others.iter().all(is_lost)
    }
}

fn newest_first(run: &RunFolder) -> Option<Vec<Checkpoint>> {
    run.checkpoints_to_resume(None).ok()
}

/// The command that trains the run anew from its config, where that can be used.
fn begin_again(run: &RunFolder, registry: &Registry) -> Option<String> {
    let again = registry.read(ConfigSource::Run(&run.config().ok()?), &[] as &[&str]).ok()?;
    // The config of a run that began from another is not that of a new one; a lost one cannot be named.
    let config = Some(run.config_file()).filter(|file| file.is_file() && again.config.parent.is_none())?;
    let [config, new] = [&config, &free_folder(run.path(), "")?].map(|path| shell::path(path));
    let command = shell::command(&["train", &config, "--out", &new]);
    Some(format!("begin again with its config: {command}"))
}

/// The command that was started, with another checkpoint in place of the one that it met.
fn in_place_of(lost: &Checkpoint, other: &Checkpoint, run: &RunFolder) -> Option<String> {
    let mut arguments = shell::arguments()?;
    let resolved = |path: &Path| path.canonicalize().ok();
    let leads_to = |argument: &String, path: &Path| {
        let found = resolved(Path::new(argument));
        found.is_some() && found == resolved(path)
    };
    let begins_with_weights = arguments.iter().any(|argument| argument.starts_with("--init-from"));
    let names_the_run = |argument: &String| {
        let joined = argument.strip_prefix("--").and_then(|argument| argument.split_once('='));
        leads_to(&joined.map_or(argument.clone(), |(_, value)| value.to_owned()), run.path())
    };
    // The folder of a checkpoint that was named, or that of a run behind an option that takes either.
    let takes_either = |index: usize| ["--init-from", "--with"].contains(&arguments[index - 1].as_str());
    let folder = (1..arguments.len()).find(|&index| {
        leads_to(&arguments[index], &lost.folder)
            || (takes_either(index) && leads_to(&arguments[index], run.path()))
    });
    let (step, option) = (other.step.to_string(), step_option(arguments.first()?)?);
    match folder {
        Some(index) => arguments[index] = shell::path(&other.folder),
        None if !begins_with_weights && arguments.iter().any(names_the_run) => {
            if !shell::set(&mut arguments, option, &step) {
                arguments.extend([option.to_owned(), step]);
            }
        }
        None => return None,
    }
    Some(shell::command(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// With which option a command takes a step.
fn step_option(command: &str) -> Option<&'static str> {
    match command {
        "train" => Some("--from"),
        "eval" | "sample" | "ablate" | "explain" | "inspect" | "report" => Some("--step"),
        _ => None,
    }
}
