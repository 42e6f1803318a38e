//! A run opened for use: its config, its task, and the model with its latest weights.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use burn::tensor::Device;
use qkv_run::RunFolder;
use qkv_train::{AnyModel, Config, Experiment, Registry, Task, load_checkpoint_weights};

/// The parts of a run that its readers need.
pub struct OpenRun {
    pub config: Config,
    pub task: Arc<dyn Task>,
    pub model: AnyModel,
    /// Optimizer steps behind the weights.
    pub step: u64,
}

impl OpenRun {
    /// Opens the run in `path` on `device`; `settings` may give the new place of a text.
    pub fn open(path: &Path, settings: &[String], registry: &Registry, device: &Device) -> Result<Self> {
        let folder = RunFolder::open(path)?;
        let experiment = read(&folder, settings, registry)?;
        let checkpoint = folder.latest()?;
        let model = load_checkpoint_weights(&checkpoint, experiment.model(device)?)?;
        let Experiment { config, task, .. } = experiment;
        Ok(Self { config, task, model, step: checkpoint.step })
    }
}

/// Opens the run in `path` to show its files, whatever types it names; `settings` may give the new place of a text,
/// which has to be that of the run.
pub fn open_to_show(path: &Path, settings: &[String], registry: &Registry) -> Result<RunFolder> {
    let folder = RunFolder::open(path)?;
    registry.check_run(&folder)?;
    if !settings.is_empty() {
        read(&folder, settings, registry)?;
    }
    Ok(folder)
}

fn read(folder: &RunFolder, settings: &[String], registry: &Registry) -> Result<Experiment> {
    let experiment = registry.read_run(folder, settings);
    experiment.with_context(|| format!("cannot use the config of {}", folder.path().display()))
}
