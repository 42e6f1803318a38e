//! Weights on disk, in the layout that Hugging Face tools read: `model.safetensors` beside `config.json`.

use std::fs::{self, File};
use std::path::Path;

use burn::module::Module;
use burn::store::{ApplyError, ModuleSnapshot, SafetensorsStore};
use burn::tensor::Device;
use serde::Serialize;
use serde_json::{Value, json};

use super::moments::{load_moments, save_moments};
use super::run_folder::RunFolder;
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
    run: &RunFolder,
    step: u64,
    model: M,
    optimizer: &OptimizerConfig,
    device: &Device,
) -> Result<State<M>, TrainError> {
    let folder = run.checkpoint(step);
    let model = load_weights(model, &folder.join("model.safetensors"))?;
    let moments = load_moments(&model, &folder.join("optimizer.safetensors"), step, device)?;
    let mut optimizer = AdamW::new(optimizer);
    (optimizer.step, optimizer.moments) = (step, moments);
    Ok(State { step, model, optimizer })
}

/// Saves a checkpoint into the run folder whenever one is due.
pub struct Checkpoints {
    run: RunFolder,
    config: Value,
}

impl Checkpoints {
    /// `config` is written beside the weights, as `config.json`, together with the task's vocabulary.
    pub fn new(run: &RunFolder, config: &impl Serialize, task: &dyn Task) -> Self {
        let mut config = json!(config);
        config["vocabulary"] = json!(task.vocabulary());
        Self { run: run.clone(), config }
    }

    fn save<M: Module>(&self, state: &State<M>) -> Result<(), TrainError> {
        let folder = self.run.checkpoint(state.step);
        // The folder appears complete or not at all.
        let unfinished = folder.with_extension("tmp");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(TrainError::io("write", &unfinished))?;
        }
        fs::create_dir_all(&unfinished).map_err(TrainError::io("create", &unfinished))?;
        save_weights(&state.model, &unfinished.join("model.safetensors"))?;
        save_moments(&state.optimizer.moments, &unfinished.join("optimizer.safetensors"))?;
        let mut config = self.config.clone();
        config["format"] = json!("qkv-checkpoint-1");
        config["step"] = json!(state.step);
        let text = serde_json::to_string_pretty(&config).expect("JSON values can be printed");
        let path = unfinished.join("config.json");
        fs::write(&path, text + "\n").map_err(TrainError::io("write", &path))?;
        synced(&unfinished)?;
        // The old one is moved aside and removed last: at no moment is there neither.
        let old = folder.with_extension("old");
        if folder.exists() {
            if old.exists() {
                fs::remove_dir_all(&old).map_err(TrainError::io("write", &old))?;
            }
            fs::rename(&folder, &old).map_err(TrainError::io("write", &folder))?;
        }
        fs::rename(&unfinished, &folder).map_err(TrainError::io("write", &folder))?;
        if old.exists() {
            fs::remove_dir_all(&old).map_err(TrainError::io("write", &old))?;
        }
        synced(&self.run.checkpoints_folder())
    }
}

/// Has the files of a folder and its list of them written to the disk, so that a power cut leaves no empty ones.
fn synced(folder: &Path) -> Result<(), TrainError> {
    let sync = |path: &Path| {
        File::open(path).and_then(|file| file.sync_all()).map_err(TrainError::io("write", path))
    };
    for entry in fs::read_dir(folder).map_err(TrainError::io("read", folder))?.flatten() {
        if entry.path().is_file() {
            sync(&entry.path())?;
        }
    }
    // Only Unix opens folders as files.
    if cfg!(unix) { sync(folder) } else { Ok(()) }
}

impl<M: Module> Observer<M> for Checkpoints {
    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.save(state)
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
