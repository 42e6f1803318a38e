//! What is to be trained: the settings of a run, its folder, and what it begins with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use qkv_run::{Checkpoint, Difference, Event, Existing, Pruned, Repair, RunFolder, Storage};
use qkv_train::{Experiment, Registry};

use super::device::Machine;
use super::job::Job;
use super::notices::print_taken_over;
use super::origin::Origin;
use crate::output::stdout::print_error;

/// The folder of runs that are given no other.
pub const RUNS: &str = "runs";

/// A run that is to be trained; nothing is created yet.
pub struct Plan {
    experiment: Experiment,
    place: Place,
    /// What it begins with, if not with the weights that its seed decides.
    origin: Option<Origin>,
}

/// The folder of the run.
enum Place {
    /// A run to go on with, locked.
    Found {
        run: RunFolder,
        /// The checkpoints to go on from, the best first.
        from: Vec<Checkpoint>,
        /// How it ended, if nothing is left to train.
        end: Option<Box<Event>>,
        /// Whether its config is to be written again.
        is_changed: bool,
    },
    /// A new one; `None` for the next in `runs`.
    New(Option<PathBuf>, Existing),
    /// A new one, by a storage of its own.
    NewOn(Arc<dyn Storage>, PathBuf),
}

impl Plan {
    /// A new run in `folder`, or in the next of `runs`.
    pub fn begin(
        mut experiment: Experiment,
        folder: Option<PathBuf>,
        existing: Existing,
        origin: Option<Origin>,
    ) -> Self {
        experiment.config.parent = origin.as_ref().map(|origin| origin.parent.clone());
        Self { experiment, place: Place::New(folder, existing), origin }
    }

    /// A new run in `folder`, each change of which goes through `storage`.
    pub fn begin_on(storage: Arc<dyn Storage>, experiment: Experiment, folder: PathBuf) -> Self {
        Self { experiment, place: Place::NewOn(storage, folder), origin: None }
    }

    /// The run in `folder`, to go on after the checkpoint of `step`, or after the latest that is whole. It is locked
    /// and put in order; what `read` returns then has to have the meaning that it was begun with.
    pub fn go_on(
        folder: &Path,
        step: Option<u64>,
        registry: &Registry,
        read: impl FnOnce() -> Result<Experiment>,
    ) -> Result<Self> {
        Self::go_on_with(RunFolder::open(folder)?, step, registry, read)
    }

    /// The same with a run that is looked at already.
    pub fn go_on_with(
        run: RunFolder,
        step: Option<u64>,
        registry: &Registry,
        read: impl FnOnce() -> Result<Experiment>,
    ) -> Result<Self> {
        let run = run.locked()?;
        run.repairs().iter().for_each(print_repair);
        registry.check_run(&run, step)?;
        let mut experiment = read()?;
        let same = registry.check_same_run(&experiment, &run, step)?;
        experiment.config.parent = same.parent;
        experiment = experiment.with_labels(same.vocabulary);
        let from = run.checkpoints_to_resume(step)?;
        let end = if step.is_none() { run.done()?.map(Box::new) } else { None };
        if end.is_some() && !same.set.is_empty() {
            take_over(&run, &experiment, &same.set)?;
        }
        let origin = match &experiment.config.parent {
            Some(parent) if from.is_empty() => Some(Origin::again(parent)?),
            _ => None,
        };
        let place = Place::Found { run, from, end, is_changed: !same.changed.is_empty() };
        Ok(Self { experiment, place, origin })
    }

    /// The run and how it ended, if nothing is left to train.
    pub fn ended(&self) -> Option<(&RunFolder, &Event)> {
        match &self.place {
            Place::Found { run, end: Some(end), .. } => Some((run, &**end)),
            _ => None,
        }
    }

    /// The training, with its model on the device of `machine`.
    pub fn job(&self, machine: &Machine, max_memory: Option<u64>) -> Result<Job> {
        let job = Job::prepare(&self.experiment, machine, max_memory)?;
        match &self.origin {
            Some(origin) => origin.give_to(job, &self.experiment),
            None => Ok(job),
        }
    }

    /// The run's folder, created if it is new, and the checkpoints to go on from, the best first.
    pub fn folder(self) -> Result<(RunFolder, Vec<Checkpoint>)> {
        let config = &self.experiment.config;
        let text = config.to_toml();
        Ok(match self.place {
            Place::Found { run, from, is_changed, .. } => {
                if is_changed {
                    run.write_config(&text)?;
                }
                (run, from)
            }
            Place::New(Some(path), existing) => (RunFolder::create(&path, &text, existing)?, Vec::new()),
            Place::NewOn(storage, path) => {
                (RunFolder::create_on(storage, &path, &text, Existing::Keep)?, Vec::new())
            }
            Place::New(None, _) => {
                (RunFolder::create_next(Path::new(RUNS), &config.task.name, &text)?, Vec::new())
            }
        })
    }
}

/// Gives a finished run what was set for it, none of which changes what it computed: where its text lies now, and how
/// many checkpoints it keeps.
fn take_over(run: &RunFolder, experiment: &Experiment, set: &[Difference]) -> Result<()> {
    let Experiment { config, task, parts, .. } = experiment;
    run.write_config(&config.to_toml())?;
    let is_pruned = set.iter().any(|difference| difference.key == "train.keep");
    let keep = usize::try_from(config.train.keep).unwrap_or(usize::MAX);
    let pruned = match is_pruned {
        true => run.prune(keep, &parts.best_figure(&**task)?),
        false => Pruned::default(),
    };
    print_taken_over(set, &run.config_file(), &pruned);
    Ok(())
}

/// What the death of the last process left is removed in silence; what was lost or moved is not.
fn print_repair(repair: &Repair) {
    match repair {
        Repair::Removed(_) => {}
        Repair::PutBack(checkpoint) => {
            print_error(&format!("{} was about to be replaced: put back", checkpoint.display()));
        }
        Repair::ConfigRestored { from, broken } => {
            let kept = broken.as_ref().map(|path| format!("; what was there is now {}", path.display()));
            let kept = kept.unwrap_or_default();
            print_error(&format!("config.toml was broken: restored from {}{kept}", from.display()));
        }
    }
}
