//! A run opened for use: its config, its task, and the model with its latest weights.

use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::Device;
use qkv_model::Init;
use qkv_run::RunFolder;
use qkv_train::{AnyModel, Config, ConfigSource, Registry, Task, load_weights};

/// The parts of a run that its readers need.
pub struct Loaded {
    pub config: Config,
    pub task: Box<dyn Task>,
    pub model: AnyModel,
    /// Optimizer steps behind the weights.
    pub step: u64,
}

/// Opens the run in `path` on `device`.
pub fn open(path: &Path, registry: &Registry, device: &Device) -> Result<Loaded> {
    let folder = RunFolder::open(path)?;
    let config = ConfigSource::Toml(&folder.config()?).read(registry, &[] as &[&str]);
    let config = config.with_context(|| format!("cannot use the config of {}", path.display()))?;
    let task = registry.task_of(&config)?;
    let checkpoint = folder.latest()?;
    let model = registry.model_of(&config, &*task, &Init::new(device, config.seed))?;
    let model = load_weights(model, &checkpoint.weights())?;
    Ok(Loaded { config, task, model, step: checkpoint.step })
}
