//! What a model does with a few examples, with the labels that make it readable.

use burn::tensor::{Device, Tensor};
use qkv_model::{Mode, Stage};
use qkv_run::ProbeLabels;

use crate::error::TrainError;
use crate::model::Model;
use crate::task::{Example, TargetKind, Task};
use crate::training::{Batch, logits_of};

/// What a model does with one example.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The input, the right answers and those of the model; tokens that share a position stand side by side.
    pub labels: ProbeLabels,
    /// Attention weights of each layer, `[heads, seq_len, seq_len]`.
    pub weights: Vec<Tensor<3>>,
    /// Where each of these layers stands in the module tree.
    pub layers: Vec<String>,
}

impl Probe {
    /// Runs `model`, a validation copy, on one example.
    ///
    /// # Errors
    /// If the example or the model does not fit the task.
    pub fn new<M: Model>(
        model: &M,
        task: &dyn Task,
        example: &Example,
        device: &Device,
    ) -> Result<Self, TrainError> {
        Ok(Self::several(model, task, std::slice::from_ref(example), device)?.remove(0))
    }

    /// The same for some examples at once, at least one.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn several<M: Model>(
        model: &M,
        task: &dyn Task,
        examples: &[Example],
        device: &Device,
    ) -> Result<Vec<Self>, TrainError> {
        let batch = Batch::new(task, examples, &device.clone().without_autodiff())?;
        let vocabulary = task.vocabulary();
        let label = |token: u32| vocabulary[token as usize].as_str();
        let label_or_none = |token: Option<u32>| token.map(label).unwrap_or_default().to_owned();
        let mut weights = Vec::new();
        let mut keep_weights = |_, stage, x: Tensor<4>| {
            if stage == Stage::Weights {
                weights.push(x.clone());
            }
            x
        };
        let features = model
            .features_with(batch.tokens.clone(), Mode::Evaluate, &mut keep_weights)
            .unwrap_or_else(|| {
                weights = model.attention_weights(batch.tokens.clone());
                model.features(batch.tokens.clone(), Mode::Evaluate)
            });
        let logits = logits_of(model, features, &batch)?;
        let mut answers: Vec<String> = match batch.target_kind {
            TargetKind::Numbers => {
                let [_, n_numbers] = logits.dims();
                let all: Vec<f32> = logits.into_data().iter::<f32>().collect();
                all.chunks(n_numbers.max(1)).map(numbers).collect()
            }
            _ => logits.argmax(1).into_data().iter::<u32>().map(|token| label(token).to_owned()).collect(),
        };
        answers.reverse();
        let layers: Vec<String> = model.layers().into_iter().map(|layer| layer.path).collect();
        let probe = |(index, example): (usize, &Example)| {
            let stacks = example.tokens.chunks(task.stack());
            let target = |position: usize| match example.vectors.get(position) {
                Some(vector) if batch.target_kind == TargetKind::Numbers => {
                    vector.as_deref().map(numbers).unwrap_or_default()
                }
                _ => label_or_none(example.targets[position]),
            };
            let positions = || 0..task.seq_len();
            let prediction = |position| match example.carries_loss(position) {
                true => answers.pop().unwrap_or_default(),
                false => String::new(),
            };
            let labels = ProbeLabels {
                tokens: stacks.map(|stack| stack.iter().map(|&token| label(token)).collect()).collect(),
                targets: positions().map(target).collect(),
                predictions: positions().map(prediction).collect(),
            };
            let weights = weights.iter().map(|weights| weights.clone().narrow(0, index, 1).squeeze_dim(0));
            Self { labels, weights: weights.collect(), layers: layers.clone() }
        };
        Ok(examples.iter().enumerate().map(probe).collect())
    }
}

/// "0.500 -1.250".
fn numbers(numbers: &[f32]) -> String {
    numbers.iter().map(|number| format!("{number:.3}")).collect::<Vec<_>>().join(" ")
}
