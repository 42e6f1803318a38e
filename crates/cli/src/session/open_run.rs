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
        let experiment = registry
            .read_run(&folder, settings)
            .with_context(|| format!("cannot use the config of {}", path.display()))?;
        let checkpoint = folder.latest()?;
        let model = load_checkpoint_weights(&checkpoint, experiment.model(device)?)?;
        let Experiment { config, task, .. } = experiment;
        Ok(Self { config, task, model, step: checkpoint.step })
    }
}
