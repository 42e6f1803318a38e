//! The attention maps of one example, with the labels that make them readable, in one small file.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use qkv_model::Mode;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;

use crate::batch::Batch;
use crate::error::TrainError;
use crate::loss::logits;
use crate::model::Model;
use crate::observer::{Observer, State};
use crate::run_folder::RunFolder;
use crate::task::{Example, Task};

/// What a model does with one example.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Label of each position; tokens that share a position stand side by side.
    pub tokens: Vec<String>,
    /// Label of the right answer at each position, empty where there is none.
    pub targets: Vec<String>,
    /// Label of the model's answer at each position, empty where there is no right one.
    pub predictions: Vec<String>,
    /// Attention weights of each layer, `[heads, seq_len, seq_len]`.
    pub weights: Vec<Tensor<3>>,
    /// Where each of these layers stands in the module tree.
    pub layers: Vec<String>,
}

impl Probe {
    /// Runs `model`, a validation copy, on one example.
    pub fn new<M: Model>(model: &M, task: &dyn Task, example: &Example, device: &Device) -> Self {
        let batch = Batch::new(task, std::slice::from_ref(example), &device.clone().without_autodiff());
        let vocabulary = task.vocabulary();
        let label = |token: u32| vocabulary[token as usize].as_str();
        let answers = logits(model, &batch, Mode::Evaluate).argmax(1).into_data();
        let mut answers = answers.iter::<u32>();
        let answer = |target: &Option<u32>| {
            target.and_then(|_| answers.next()).map(label).unwrap_or_default().to_owned()
        };
        Self {
            tokens: example
                .tokens
                .chunks(task.stack())
                .map(|stack| stack.iter().map(|&t| label(t)).collect())
                .collect(),
            targets: example
                .targets
                .iter()
                .map(|target| target.map(label).unwrap_or_default().to_owned())
                .collect(),
            predictions: example.targets.iter().map(answer).collect(),
            layers: model.layers().into_iter().map(|layer| layer.path).collect(),
            weights: model
                .attention_weights(batch.tokens)
                .into_iter()
                .map(|weights| weights.squeeze_dim(0))
                .collect(),
        }
    }
}

/// Saves the attention maps of one example whenever a checkpoint is due.
pub struct Snapshots<'a> {
    task: &'a dyn Task,
    example: Example,
    device: Device,
    run: RunFolder,
}

impl<'a> Snapshots<'a> {
    /// Looks at `example` on `device`.
    pub fn new(task: &'a dyn Task, example: &Example, device: &Device, run: &RunFolder) -> Self {
        Self { task, example: example.clone(), device: device.clone(), run: run.clone() }
    }
}

impl<M: Model> Observer<M> for Snapshots<'_> {
    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        let probe = Probe::new(&state.model.valid(), self.task, &self.example, &self.device);
        save_snapshot(&probe, state.step, &self.run).map(drop)
    }
}

/// Writes the maps of `probe` into `snapshots/` of a run folder, under the names `blocks.0.attention.weights`, ….
///
/// # Errors
/// If the file cannot be written.
pub fn save_snapshot(probe: &Probe, step: u64, run: &RunFolder) -> Result<PathBuf, TrainError> {
    let path = run.snapshot(step);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(TrainError::io("create", folder))?;
    }
    let maps: Vec<(String, Vec<usize>, Vec<u8>)> = probe
        .weights
        .iter()
        .enumerate()
        .map(|(layer, weights)| {
            let bytes = weights.to_data().iter::<f32>().flat_map(f32::to_le_bytes).collect();
            // A model that does not say where its layers stand has them numbered.
            let path = probe.layers.get(layer).cloned().unwrap_or_else(|| format!("layers.{layer}"));
            (format!("{path}.weights"), weights.dims().to_vec(), bytes)
        })
        .collect();
    let views = maps.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).expect("four bytes a value");
        (name.as_str(), view)
    });
    let Probe { tokens, targets, predictions, .. } = probe;
    let labels = json!({ "tokens": tokens, "targets": targets, "predictions": predictions });
    // One key only: safetensors writes several in random order.
    let metadata = HashMap::from([("probe".to_owned(), labels.to_string())]);
    let bytes = safetensors::serialize(views, Some(metadata))
        .map_err(|error| TrainError::Weights { path: path.clone(), reason: error.to_string() })?;
    let unfinished = path.with_extension("tmp");
    fs::write(&unfinished, bytes).map_err(TrainError::io("write", &unfinished))?;
    fs::rename(&unfinished, &path).map_err(TrainError::io("write", &path))?;
    Ok(path)
}
