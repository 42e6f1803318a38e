//! What a run begins with where its seed does not decide it: the state or the weights of another run.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use qkv_run::{Checkpoint, Description, Disk, RunError, RunFolder, hash_tensors};
use qkv_train::{Experiment, Parent, Registry, Taken, TrainError, load_checkpoint_weights, load_weights};

use super::job::Job;
use crate::exit::usage;
use crate::output::stdout::print_error;

/// What is taken over, and from where.
pub struct Origin {
    pub parent: Parent,
    source: Source,
}

enum Source {
    Checkpoint(Checkpoint),
    /// A file of weights.
    File(PathBuf),
}

impl Origin {
    /// The checkpoint of `step`, or the latest that is whole, to go on from in another run.
    pub fn branch(run: &RunFolder, step: Option<u64>) -> Result<Self> {
        Self::of_run(run, step, Taken::State)
    }

    /// The weights of a run's latest checkpoint that is whole, of a checkpoint by its folder or its file, or of another
    /// file.
    pub fn weights(path: &Path, registry: &Registry) -> Result<Self> {
        if path.is_file() {
            return match checkpoint_of(path) {
                Some(checkpoint) => Self::of_checkpoint(checkpoint, Taken::Weights),
                None => Self::of_file(path),
            };
        }
        if let Some(checkpoint) = Checkpoint::named(path) {
            // One that is not there is answered with those that are.
            if let Some(run) = checkpoint.run().filter(|_| !path.exists()) {
                run.at(checkpoint.step)?;
            }
            return Self::of_checkpoint(checkpoint, Taken::Weights);
        }
        let file = Checkpoint::weights_in(path);
        if file.is_file() {
            return Self::of_file(&file);
        }
        let run = RunFolder::open(path)?;
        registry.check_run(&run, None)?;
        Self::of_run(&run, None, Taken::Weights)
    }

    /// That of a run which was stopped before its first checkpoint; the parent has to have the same weights still.
    pub fn again(parent: &Parent) -> Result<Self> {
        let path = Path::new(&parent.path);
        let found = match parent.step {
            Some(step) => RunFolder::open(path)
                .map_err(Into::into)
                .and_then(|run| Self::of_run(&run, Some(step), parent.taken)),
            None => Self::of_file(path),
        };
        let found = found.with_context(|| format!("the run begins with {parent}, which cannot be read"))?;
        if found.parent.weights != parent.weights {
            return Err(usage(format!(
                "the run begins with {parent}, and the weights there are now {}; put the old ones back",
                found.parent.weights
            )));
        }
        Ok(Self { parent: parent.clone(), ..found })
    }

    fn of_run(run: &RunFolder, step: Option<u64>, taken: Taken) -> Result<Self> {
        let mut first = None;
        let mut untried = VecDeque::from(run.checkpoints_to_resume(step)?);
        while let Some(checkpoint) = untried.pop_front() {
            match Self::of_checkpoint(checkpoint.clone(), taken) {
                Ok(origin) => return Ok(origin),
                // A training that goes on has pruned it, and saved a newer one.
                Err(_) if checkpoint.is_gone() => untried = run.checkpoints_to_resume(step)?.into(),
                Err(error) if matches!(error.downcast_ref(), Some(RunError::Damaged { .. })) => {
                    print_error(&format!("cannot begin with it: {error}"));
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        match first {
            Some(error) => Err(error),
            None => Err(RunError::NoCheckpoint { path: run.path().to_owned(), incomplete: 0 }.into()),
        }
    }

    fn of_checkpoint(checkpoint: Checkpoint, taken: Taken) -> Result<Self> {
        let (_, weights) = checkpoint.check()?;
        let run = checkpoint.run();
        let (path, step) = match &run {
            Some(run) => (run.path().to_owned(), Some(checkpoint.step)),
            // A checkpoint that was copied out of its run is a file of weights.
            None => (checkpoint.weights(), None),
        };
        let parent = Parent { path: absolute(&path)?, step, weights, taken };
        Ok(Self { parent, source: Source::Checkpoint(checkpoint) })
    }

    fn of_file(path: &Path) -> Result<Self> {
        let weights = path.canonicalize().and_then(|file| hash_tensors(&Disk, &file));
        let weights = weights.map_err(TrainError::io("read", path))?;
        let path = absolute(path)?;
        let source = Source::File(PathBuf::from(&path));
        Ok(Self { parent: Parent { path, step: None, weights, taken: Taken::Weights }, source })
    }

    /// The step at which the run begins.
    pub fn step(&self) -> u64 {
        match (&self.source, self.parent.taken) {
            (Source::Checkpoint(checkpoint), Taken::State) => checkpoint.step,
            _ => 0,
        }
    }

    /// The job that begins with it, if it fits: nothing is created before that is clear.
    pub fn give_to(&self, job: Job, experiment: &Experiment) -> Result<Job> {
        self.given_to(job, experiment).map_err(|error| match &self.source {
            Source::Checkpoint(checkpoint) if checkpoint.is_gone() => usage(format!(
                "{} is gone: the training that goes on there has pruned it meanwhile; try again, or name one that stays",
                checkpoint.folder.display()
            )),
            _ => error,
        })
    }

    fn given_to(&self, job: Job, experiment: &Experiment) -> Result<Job> {
        let job = match (&self.source, self.parent.taken) {
            (Source::Checkpoint(checkpoint), Taken::State) => job.with_state_of(checkpoint)?,
            (Source::Checkpoint(checkpoint), Taken::Weights) => {
                let model = load_checkpoint_weights(checkpoint, job.model.clone())?;
                job.with_model(model)
            }
            (Source::File(path), _) => {
                let model = load_weights(job.model.clone(), path)?;
                job.with_model(model)
            }
        };
        if let Source::Checkpoint(checkpoint) = &self.source {
            check_vocabulary(checkpoint, experiment)?;
        }
        Ok(job)
    }
}

/// The checkpoint whose weights are this file: beside it lies their hash.
fn checkpoint_of(file: &Path) -> Option<Checkpoint> {
    let checkpoint = Checkpoint::named(file.parent()?)?;
    (checkpoint.weights() == file && checkpoint.manifest().is_file()).then_some(checkpoint)
}

/// A token has to mean what it meant.
fn check_vocabulary(checkpoint: &Checkpoint, experiment: &Experiment) -> Result<()> {
    let Description { vocabulary: before, .. } = checkpoint.description()?;
    let now = experiment.task.vocabulary();
    // The first checkpoints had none.
    if before.is_empty() {
        return Ok(());
    }
    let (config, n_before, n_now) = (checkpoint.config(), before.len(), now.len());
    let mut tokens = before.iter().zip(&now).enumerate();
    let difference = match tokens.find(|(token, (before, now))| !is_same(*token, before, now)) {
        Some((token, (before, now))) => format!("token {token} is `{before}` there and `{now}` here"),
        None if n_before == n_now => return Ok(()),
        None => format!("it has {n_before} tokens, the task has {n_now}"),
    };
    Err(usage(format!("{} has another vocabulary: {difference}; take the same task", config.display())))
}

/// Whether a token means what it meant: older versions called by its number what has a letter now.
fn is_same(token: usize, before: &str, now: &str) -> bool {
    let letter = ('A'..='Z').nth(token).map(String::from);
    before == now || (before == token.to_string() && letter.as_deref() == Some(now))
}

/// A path that holds in any folder and can be written into a config file.
fn absolute(path: &Path) -> Result<String> {
    let absolute = std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))?;
    let text = absolute.into_os_string().into_string();
    text.map_err(|path| {
        let path = path.display();
        usage(format!("{path} is not UTF-8, so no config file can name it as the parent of a run; rename it"))
    })
}
