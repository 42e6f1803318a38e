//! What to do about an error, on the command line: the libraries do not know that there is one. A command that is shown
//! works as it is, so it is tried on the registry and the files before.

mod checkpoints;
mod flags;
mod free_folder;
mod meant;
mod other_settings;

pub use checkpoints::is_without_a_whole_one;
pub use flags::with_setting;
pub use meant::about_a_run;

use std::fmt;
use std::path::{Path, PathBuf};

use qkv_inspect::InspectError;
use qkv_run::{RunError, RunFolder};
use qkv_train::{PairsFault, Registry, TextFault, TrainError};

use crate::exit::run_error;
use crate::output::text::shell;
use free_folder::free_folder;

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
pub fn about(error: &anyhow::Error, registry: &Registry) -> Option<String> {
    match (error.downcast_ref(), run_error(error)) {
        (Some(TrainError::Diverged { .. }), _) => error.downcast_ref().map(DivergedRun::advice),
        (Some(TrainError::NoText), _) => Some(format!("name a file with {SET_TEXT}")),
        (Some(TrainError::TextUnread { .. }), _) => {
            Some(format!("if the text was moved, name where it is now with {SET_TEXT}"))
        }
        (Some(TrainError::Text { fault: TextFault::Changed { .. }, .. }), _) => {
            Some(format!("if the old text lies elsewhere, name it with {SET_TEXT}"))
        }
        (Some(TrainError::PairsUnread { .. }), _) => {
            Some(format!("if the file was moved, name where it is now with {SET_PAIRS}"))
        }
        (Some(TrainError::Pairs { fault: PairsFault::Text(TextFault::Changed { .. }), .. }), _) => {
            Some(format!("if the old file lies elsewhere, name it with {SET_PAIRS}"))
        }
        (Some(TrainError::AnotherOptimizer { .. }), _) => {
            Some("--init-from RUN takes the weights of a run alone".to_owned())
        }
        (Some(TrainError::NotTheSameRun { path, differences }), _) => {
            Some(other_settings::advice(path, differences, registry))
        }
        (_, Some(RunError::Exists { path })) => Some(about_an_occupied_folder(path)),
        (_, Some(RunError::NotFound { path })) => meant::about_a_run(path),
        (Some(error @ (TrainError::Model(_) | TrainError::ModelSetting { .. })), _) => {
            meant::about_a_name(error)
        }
        _ => match error.downcast_ref() {
            Some(InspectError::NotFound { path }) => meant::about_a_run(path),
            _ => checkpoints::advice(error, registry),
        },
    }
}

/// How a text is named.
const SET_TEXT: &str = "--set task.text=FILE";

/// How pairs are named.
const SET_PAIRS: &str = "--set task.pairs=FILE";

/// What is added to the name of a run that goes on at a lower rate.
const LOWER_RATE: &str = "-lower-lr";

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
