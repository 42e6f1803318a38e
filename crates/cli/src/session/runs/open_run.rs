//! A run opened for use: its config, its task, and the model with its weights at one step.

use std::sync::Arc;

use anyhow::{Context, Result};
use burn::tensor::Device;
use qkv_run::Checkpoint;
use qkv_train::{AnyModel, Config, Experiment, Parts, Registry, Task, load_checkpoint_weights};

use super::location::Location;
use crate::args::RunArgs;

/// The parts of a run that its readers need.
pub struct OpenRun {
    pub config: Config,
    pub task: Arc<dyn Task>,
    /// What it was trained with.
    pub parts: Parts,
    pub model: AnyModel,
    /// Optimizer steps behind the weights.
    pub step: u64,
}

impl OpenRun {
    /// Opens a run on `device`; the settings may give the new place of a text.
    pub fn open(args: &RunArgs, registry: &Registry, device: &Device) -> Result<Self> {
        let weights = |checkpoint: &Checkpoint, experiment: &Experiment| -> Result<(AnyModel, u64)> {
            Ok((load_checkpoint_weights(checkpoint, experiment.model(device)?)?, checkpoint.step))
        };
        let (experiment, (model, step)) = match Location::alone(&args.run, "--step", args.step)? {
            Some(checkpoint) => {
                let experiment = registry.read_checkpoint(&checkpoint, &args.settings);
                let config = checkpoint.config();
                let experiment = experiment.with_context(|| format!("cannot use {}", config.display()))?;
                let read = weights(&checkpoint, &experiment)?;
                (experiment, read)
            }
            None => {
                let location = Location::find(&args.run, "--step", args.step)?;
                let experiment = read(&location, &args.settings, registry)?;
                let read = location.read(|checkpoint| weights(checkpoint, &experiment))?;
                (experiment, read)
            }
        };
        let Experiment { config, task, parts, .. } = experiment;
        Ok(Self { config, task, parts, model, step })
    }
}

/// Checks that the files of a run may be shown, whatever types it names; `settings` may give the new place of a text,
/// which has to be that of the run.
pub fn check_to_show(location: &Location, settings: &[String], registry: &Registry) -> Result<()> {
    registry.check_run(&location.run, location.step)?;
    if !settings.is_empty() {
        read(location, settings, registry)?;
    }
    Ok(())
}

fn read(Location { run, step }: &Location, settings: &[String], registry: &Registry) -> Result<Experiment> {
    let experiment = registry.read_run(run, *step, settings);
    experiment.with_context(|| format!("cannot use the config of {}", run.path().display()))
}
