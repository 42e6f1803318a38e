//! Weights on disk, in the layout that Hugging Face tools read: `model.safetensors` beside `config.json`.

use std::fs;
use std::path::Path;

use burn::module::Module;
use burn::store::{ApplyError, ModuleSnapshot, SafetensorsStore};
use burn::tensor::Device;
use qkv_run::{Checkpoint, RunFolder};
use serde::Serialize;
use serde_json::{Value, json};

use super::moments::{load_moments, save_moments};
use crate::config::OptimizerConfig;
use crate::error::TrainError;
use crate::task::Task;
use crate::training::{AdamW, Observer, State};

/// Saves the parameters of `model` under their paths; an existing file is replaced at once or not at all.
///
/// # Errors
/// If the file cannot be written.
pub fn save_weights<M: Module>(model: &M, path: &Path) -> Result<(), TrainError> {
    let mut store = SafetensorsStore::from_file(path)
        .overwrite(true)
        .skip_enum_variants(true)
        // Burn's own metadata comes in random order and names a format that other tools do not know.
        .clear_metadata()
        .metadata("format", "pt");
    model
        .save_into(&mut store)
        .map_err(|error| TrainError::io("write", path)(std::io::Error::other(error.to_string())))
}

/// Loads every parameter of `model`.
///
/// # Errors
/// If the file is missing, is not safetensors, or does not hold exactly the model's parameters in their shapes.
pub fn load_weights<M: Module>(mut model: M, path: &Path) -> Result<M, TrainError> {
    fs::metadata(path).map_err(TrainError::io("read", path))?;
    let mut store =
        SafetensorsStore::from_file(path).skip_enum_variants(true).validate(false).allow_partial(true);
    let result = model
        .load_from(&mut store)
        .map_err(|error| TrainError::NotSafetensors { path: path.to_owned(), reason: error.to_string() })?;
    let missing = result.missing.iter().map(|(name, _)| format!("it lacks `{name}`"));
    let unused = result.unused.iter().map(|name| format!("the model has no `{name}`"));
    let wrong = result.errors.iter().map(in_words);
    match wrong.chain(missing).chain(unused).next() {
        None => Ok(model),
        Some(reason) => Err(weights(path, reason)),
    }
}

/// The state of a run at one of its checkpoints; `model` is a fresh one of the same kind, on its training device.
///
/// # Errors
/// If a file is missing or damaged, or does not fit the model.
pub fn load_checkpoint<M: Module>(
    checkpoint: &Checkpoint,
    model: M,
    optimizer: &OptimizerConfig,
    device: &Device,
) -> Result<State<M>, TrainError> {
    let step = checkpoint.step;
    let model = load_weights(model, &checkpoint.weights())?;
    let moments = load_moments(&model, &checkpoint.optimizer(), step, device)?;
    let mut optimizer = AdamW::new(optimizer);
    (optimizer.step, optimizer.moments) = (step, moments);
    Ok(State { step, model, optimizer })
}

/// Saves a checkpoint into the run folder whenever one is due.
pub struct Checkpoints {
    run: RunFolder,
    config: Value,
    vocabulary: Vec<String>,
}

impl Checkpoints {
    /// `config` is written beside the weights, as `config.json`, together with the task's vocabulary.
    pub fn new(run: &RunFolder, config: &impl Serialize, task: &dyn Task) -> Self {
        Self { run: run.clone(), config: json!(config), vocabulary: task.vocabulary().to_vec() }
    }
}

impl<M: Module> Observer<M> for Checkpoints {
    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.run.write_checkpoint(state.step, |checkpoint| {
            save_weights(&state.model, &checkpoint.weights())?;
            save_moments(&state.optimizer.moments, &checkpoint.optimizer())?;
            Ok(checkpoint.write_config(self.config.clone(), &self.vocabulary)?)
        })
    }
}

fn in_words(error: &ApplyError) -> String {
    match error {
        ApplyError::ShapeMismatch { path, expected, found } => {
            format!("`{path}` must have shape {:?}, got {:?}", expected.as_slice(), found.as_slice())
        }
        other => other.to_string(),
    }
}

fn weights(path: &Path, reason: impl ToString) -> TrainError {
    TrainError::Weights { path: path.to_owned(), reason: reason.to_string() }
}
