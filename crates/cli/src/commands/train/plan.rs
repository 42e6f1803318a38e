//! What the arguments of `train` ask for: the settings of a run, its folder, and what it begins with.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use qkv_run::{Checkpoint, Existing, Repair, RunFolder};
use qkv_train::{ConfigSource, Experiment, Registry, check_config_of};

use super::origin::Origin;
use crate::args::TrainArgs;
use crate::exit::usage;
use crate::output::stdout::print_error;
use crate::session::config_file;
use crate::session::environment::Machine;
use crate::session::job::Job;

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
        /// Whether values without meaning are to be written into its config.
        is_changed: bool,
    },
    /// A new one; `None` for the next in `runs`.
    New(Option<PathBuf>, Existing),
}

impl Plan {
    /// Checks what was asked for. A run to go on with is locked, and put in order.
    pub fn new(args: &TrainArgs, registry: &Registry) -> Result<Self> {
        if let Some(folder) = args.out.as_ref().or(args.branch.as_ref()).filter(|folder| folder.is_file()) {
            return Err(usage(format!("{} is a file; name a folder", folder.display())));
        }
        if let Some(new) = &args.branch {
            return Self::branch(args, new, registry);
        }
        let is_run = RunFolder::holds_a_run(&args.source)?;
        let is_source = |folder: &PathBuf| is_within(&args.source, folder);
        if args.resume && is_run && args.out.as_ref().is_some_and(|out| !is_source(out)) {
            let run = args.source.display();
            return Err(usage(format!(
                "--resume goes on in {run}; leave --out out, or begin another run with --branch"
            )));
        }
        if args.resume {
            let folder = args.out.as_ref().or(is_run.then_some(&args.source));
            let folder = folder
                .ok_or_else(|| usage("--resume needs the run: name its folder, or give it with --out"))?;
            if RunFolder::holds_a_run(folder)? {
                return Self::resume(args, folder, registry);
            }
            if let Some(step) = args.from {
                let folder = folder.display();
                return Err(usage(format!(
                    "{folder} holds no run, so --from {step} names no checkpoint; leave it out"
                )));
            }
        } else if is_run {
            let run = args.source.display();
            return Err(usage(format!(
                "{run} holds a run; add --resume to go on with it, or --branch NEWDIR to begin another from it"
            )));
        }
        let mut experiment = experiment(args, registry)?;
        if experiment.config.parent.is_some() {
            return Err(usage(format!(
                "{} is of a run that began from another, as [parent] in it states; remove [parent] to begin with new \
                 weights",
                args.source.display()
            )));
        }
        if let (Some(from), Some(out)) = (&args.init_from, &args.out)
            && is_within(from, out)
        {
            let (from, out) = (from.display(), out.display());
            return Err(usage(format!(
                "{out} would be overwritten, and {from} lies in it; choose another --out"
            )));
        }
        let origin = args.init_from.as_deref().map(Origin::weights).transpose()?;
        experiment.config.parent = origin.as_ref().map(|origin| origin.parent.clone());
        let existing = if args.force { Existing::Overwrite } else { Existing::Keep };
        Ok(Self { experiment, place: Place::New(args.out.clone(), existing), origin })
    }

    fn resume(args: &TrainArgs, folder: &Path, registry: &Registry) -> Result<Self> {
        let run = RunFolder::open(folder)?.locked()?;
        run.repairs().iter().for_each(print_repair);
        check_config_of(&run)?;
        let mut experiment = experiment(args, registry)?;
        let same = registry.check_same_run(&experiment, &run)?;
        experiment.config.parent = same.parent;
        let from = run.checkpoints_to_resume(args.from)?;
        let origin = match &experiment.config.parent {
            Some(parent) if from.is_empty() => Some(Origin::again(parent)?),
            _ => None,
        };
        let place = Place::Found { run, from, is_changed: !same.changed.is_empty() };
        Ok(Self { experiment, place, origin })
    }

    fn branch(args: &TrainArgs, new: &Path, registry: &Registry) -> Result<Self> {
        let run = RunFolder::open(&args.source)?;
        check_config_of(&run)?;
        let origin = Origin::branch(&run, args.from)?;
        let mut experiment = experiment(args, registry)?;
        experiment.config.parent = Some(origin.parent.clone());
        let (step, steps) = (origin.step(), experiment.config.train.steps);
        if steps <= step {
            return Err(usage(format!(
                "the branch begins at step {step} and train.steps is {steps}: nothing is left to train; set a greater \
                 number with --steps, or an earlier checkpoint with --from"
            )));
        }
        let place = Place::New(Some(new.to_owned()), Existing::Keep);
        Ok(Self { experiment, place, origin: Some(origin) })
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
            Place::Found { run, from, is_changed } => {
                if is_changed {
                    run.write_config(&text)?;
                }
                (run, from)
            }
            Place::New(Some(path), existing) => (RunFolder::create(&path, &text, existing)?, Vec::new()),
            Place::New(None, _) => {
                (RunFolder::create_next(Path::new("runs"), &config.task.name, &text)?, Vec::new())
            }
        })
    }
}

/// The task, config file or run that is named first, under the settings of the command line.
fn experiment(args: &TrainArgs, registry: &Registry) -> Result<Experiment> {
    let mut settings = args.settings.clone();
    settings.extend(args.seed.map(|seed| format!("seed={seed}")));
    if let Some(steps) = args.steps {
        settings.extend([format!("train.steps={steps}"), "train.stop_at=0".to_owned()]);
    }
    let source = args.source.as_path();
    let text = if RunFolder::holds_a_run(source)? {
        RunFolder::open(source)?.config()?
    } else if source.extension().is_some_and(|extension| extension == "toml") {
        config_file::read(source)?
    } else {
        let task = source.to_string_lossy();
        return Ok(registry.read(ConfigSource::Task(&task), &settings)?);
    };
    let set = if settings.is_empty() { "" } else { " with what the command line sets" };
    let experiment = registry.read(ConfigSource::Toml(&text), &settings);
    experiment.with_context(|| format!("cannot use {}{set}", source.display()))
}

/// Whether `path` is `folder` or lies in it.
fn is_within(path: &Path, folder: &Path) -> bool {
    let [path, folder] = [path, folder].map(Path::canonicalize);
    matches!((path, folder), (Ok(path), Ok(folder)) if path.starts_with(&folder))
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
