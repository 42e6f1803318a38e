//! What to do about an error, on the command line: the libraries do not know that there is one. A command that is shown
//! works as it is.

use std::fmt;
use std::path::{Path, PathBuf};

use qkv_run::{Difference, RunError, RunFolder};
use qkv_train::TrainError;

use crate::exit::run_error;
use crate::output::shell;

/// The context of an error that ended a training by divergence.
#[derive(Debug)]
pub struct DivergedRun {
    folder: PathBuf,
    /// Its folder, if one was saved.
    last_checkpoint: Option<PathBuf>,
    learning_rate: f64,
}

impl DivergedRun {
    /// The run as it is now, and the rate with which it diverged.
    pub fn new(run: &RunFolder, learning_rate: f64) -> Self {
        let last_checkpoint = run.latest().ok().map(|checkpoint| checkpoint.folder);
        Self { folder: run.path().to_owned(), last_checkpoint, learning_rate }
    }

    /// A tenth of the rate: where a training diverges, half of it seldom helps.
    fn advice(&self) -> String {
        let lower = format!("optimizer.lr={:.1e}", self.learning_rate / 10.0);
        let Some(checkpoint) = &self.last_checkpoint else {
            return format!("nothing was saved; train another run with --set {lower}");
        };
        let from =
            format!("go on from its last good checkpoint, {}, at a lower rate", shell::path(checkpoint));
        match free_folder(&self.folder, LOWER_RATE) {
            Some(new) => format!("{from}: {}", branch(&self.folder, &new, &["--set", &lower])),
            None => format!("{from}, with --branch and --set {lower}"),
        }
    }
}

impl fmt::Display for DivergedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.folder.display())
    }
}

/// What helps, if anything on the command line does.
pub fn about(error: &anyhow::Error) -> Option<String> {
    match (error.downcast_ref(), run_error(error)) {
        (Some(TrainError::Diverged { .. }), _) => error.downcast_ref().map(DivergedRun::advice),
        (Some(TrainError::NoText), _) => Some("name a file with --set task.text=FILE".to_owned()),
        (Some(TrainError::AnotherOptimizer { .. }), _) => {
            Some("--init-from RUN takes the weights of a run alone".to_owned())
        }
        (Some(TrainError::NotTheSameRun { path, differences }), _) => {
            Some(about_other_settings(path, differences))
        }
        (_, Some(RunError::Exists { path })) => Some(about_an_occupied_folder(path)),
        _ => None,
    }
}

/// What is added to the name of a run that goes on at a lower rate.
const LOWER_RATE: &str = "-lower-lr";

fn about_other_settings(run: &Path, differences: &[Difference]) -> String {
    let put_back = "a run keeps them: put them back";
    match branch_with(run, differences) {
        Some(command) => format!("{put_back}, or give the other values to a run of their own: {command}"),
        None => put_back.to_owned(),
    }
}

/// The command that gives the values of now to another run, from the latest checkpoint that leaves it something to
/// train. None where the weights might not fit: those of another task or model.
fn branch_with(folder: &Path, differences: &[Difference]) -> Option<String> {
    let fits = |key: &str| {
        key == "seed" || ["optimizer.", "schedule.", "train."].iter().any(|table| key.starts_with(table))
    };
    let setting = |difference: &Difference| {
        let now = difference.now.as_ref().filter(|_| fits(&difference.key))?;
        Some(format!("{}={now}", difference.key))
    };
    let settings: Vec<String> = differences.iter().map(setting).collect::<Option<_>>()?;
    let run = RunFolder::open(folder).ok()?;
    let (_, description) = run.newest_description().ok()??;
    let asked = differences.iter().find(|difference| difference.key == "train.steps");
    let steps = match asked {
        Some(difference) => difference.now.as_ref()?,
        None => description.config.get("train")?.get("steps")?,
    };
    let steps = u64::try_from(steps.as_integer()?).ok()?;
    let checkpoints = run.checkpoints().ok()?;
    let from = checkpoints.iter().rev().find(|checkpoint| checkpoint.step < steps)?;
    let step = from.step.to_string();
    let mut options = Vec::new();
    if checkpoints.last() != Some(from) {
        options.extend(["--from", &step]);
    }
    options.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    Some(branch(folder, &free_folder(folder, "")?, &options))
}

fn about_an_occupied_folder(folder: &Path) -> String {
    let free = free_folder(folder, "");
    let again = |option| shell::command_with(option, &shell::path(free.as_ref()?));
    match (again("--out"), again("--branch")) {
        (Some(command), _) => format!("overwrite it with --force, or choose another folder: {command}"),
        (_, Some(command)) => format!("choose another folder: {command}"),
        _ => "choose another folder".to_owned(),
    }
}

fn branch(run: &Path, new: &Path, options: &[&str]) -> String {
    let [run, new] = [run, new].map(shell::path);
    shell::command(&[&["train", &run, "--branch", &new], options].concat())
}

/// A folder beside that of a run which does not exist yet: with `suffix` behind its name, and behind that the first
/// number that is free. None for a name that no command can hold.
fn free_folder(run: &Path, suffix: &str) -> Option<PathBuf> {
    // Without a separator at its end; `.` has no name.
    let run: PathBuf = run.components().collect();
    let run = if run.file_name().is_some() { run } else { run.canonicalize().ok()? };
    let name = run.file_name()?.to_str()?;
    let (stem, number) = match name.rsplit_once('-').map(|(stem, digits)| (stem, digits.parse::<u64>())) {
        Some((stem, Ok(number))) if !stem.is_empty() => (stem, number),
        _ => (name, 1),
    };
    let (stem, first) = match stem.ends_with(suffix) {
        true => (stem.to_owned(), number.saturating_add(1)),
        false => (format!("{name}{suffix}"), 1),
    };
    let folder = |number: u64| match number {
        1 => run.with_file_name(&stem),
        _ => run.with_file_name(format!("{stem}-{number}")),
    };
    (first..u64::MAX).map(folder).find(|folder| folder.symlink_metadata().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_suggested_folder_is_free_and_keeps_the_name_of_the_run() {
        let sandbox = tempfile::tempdir().expect("a folder");
        let root = sandbox.path();
        let name = |run: &str, suffix| {
            let free = free_folder(&root.join(run), suffix).expect("a name");
            free.strip_prefix(root).expect("beside the run").to_str().expect("UTF-8").to_owned()
        };
        for taken in ["run", "run-2", "reverse-1", "run-lower-lr", "7"] {
            fs::create_dir(root.join(taken)).expect("a folder");
        }
        for (run, free) in [("run", "run-3"), ("run/", "run-3"), ("reverse-1", "reverse-2"), ("7", "7-2")] {
            assert_eq!(name(run, ""), free, "{run}");
        }
        for (run, free) in [
            ("run", "run-lower-lr-2"),
            ("run-lower-lr", "run-lower-lr-2"),
            ("run-lower-lr-2", "run-lower-lr-3"),
            ("reverse-1", "reverse-1-lower-lr"),
        ] {
            assert_eq!(name(run, LOWER_RATE), free, "{run}");
        }
    }
}
