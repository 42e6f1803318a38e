//! What a model does with a few examples, with the labels that make it readable.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use qkv_model::Mode;
use qkv_run::{MapPositions, ProbeLabels};

use super::trace::{LayerTrace, Recorder};
use crate::error::TrainError;
use crate::model::{Layer, Model, Side};
use crate::task::{Example, TargetKind, Task};
use crate::training::{Batch, logits_of};

/// What a model does with one example.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The input, the right answers and those of the model; tokens that share a position stand side by side.
    pub labels: ProbeLabels,
    /// Attention weights of each layer, `[heads, q_len, k_len]`.
    pub weights: Vec<Tensor<3>>,
    /// Where each of these layers stands in the module tree.
    pub layers: Vec<String>,
    /// What each of them computes; empty unless it was asked for, and for a model without stages.
    pub trace: Vec<LayerTrace>,
    /// The probability of each token as the answer at each position, `[seq_len * vocab_size]`, NaN where none is asked
    /// for; `None` unless a trace was asked for, and where answers are numbers.
    pub answers: Option<Vec<f32>>,
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
        Ok(Self::several(model, task, std::slice::from_ref(example), 0, device)?.remove(0))
    }

    /// The same for some examples at once, at least one; the first `n_traced` of them with a trace.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn several<M: Model>(
        model: &M,
        task: &dyn Task,
        examples: &[Example],
        n_traced: usize,
        device: &Device,
    ) -> Result<Vec<Self>, TrainError> {
        let batch = Batch::new(task, examples, &device.clone().without_autodiff())?;
        let vocabulary = task.vocabulary();
        let label = |token: u32| vocabulary[token as usize].as_str();
        let label_or_none = |token: Option<u32>| token.map(label).unwrap_or_default().to_owned();
        let mut recorder = Recorder::new(n_traced.min(examples.len()));
        let features =
            model.features_with(batch.tokens.clone(), Mode::Evaluate, &mut recorder).unwrap_or_else(|| {
                recorder.weights = model.attention_weights(batch.tokens.clone());
                model.features(batch.tokens.clone(), Mode::Evaluate)
            });
        let logits = logits_of(model, features, &batch)?;
        let mut probabilities = match batch.target_kind {
            TargetKind::Tokens | TargetKind::Distributions if n_traced > 0 => {
                Some(Probabilities::of(logits.clone()))
            }
            _ => None,
        };
        let mut answers = answer_labels(logits, &batch, &vocabulary);
        answers.reverse();
        let layers = model.layers();
        let paths: Vec<String> = layers.iter().map(|layer| layer.path.clone()).collect();
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
                layers: layers.iter().filter_map(|layer| positions_of(layer, task, example)).collect(),
                tokens: stacks.map(|stack| stack.iter().map(|&token| label(token)).collect()).collect(),
                targets: positions().map(target).collect(),
                predictions: positions().map(prediction).collect(),
            };
            let of_example = |weights: &Tensor<4>| weights.clone().narrow(0, index, 1).squeeze_dim(0);
            let is_traced = index < n_traced;
            Self {
                labels,
                weights: recorder.weights.iter().map(of_example).collect(),
                layers: paths.clone(),
                trace: if is_traced { recorder.trace(index) } else { Vec::new() },
                answers: probabilities.as_mut().filter(|_| is_traced).map(|all| all.answers(example)),
            }
        };
        Ok(examples.iter().enumerate().map(probe).collect())
    }
}

/// The path of a layer and the positions that it reads, without the padding behind them; `None` where it reads all.
fn positions_of(layer: &Layer, task: &dyn Task, example: &Example) -> Option<(String, MapPositions)> {
    let holds = |position: usize| {
        let tokens = &example.tokens[position * task.stack()..][..task.stack()];
        tokens.iter().any(|&token| Some(token) != task.padding())
    };
    let of_side = |side: Side| {
        let all = side.positions(task);
        // Of a side that holds nothing a position stays, so that its maps have a row and a column.
        let last = all.clone().rev().find(|&position| holds(position)).unwrap_or(all.start);
        all.start..last + 1
    };
    let reads_all = [layer.queries, layer.keys] == [Side::Whole; 2];
    let positions = || MapPositions { queries: of_side(layer.queries), keys: of_side(layer.keys) };
    (!reads_all).then(|| (layer.path.clone(), positions()))
}

/// What the model answers, target by target: the labels of its likeliest tokens, or its numbers.
pub(crate) fn answer_labels(logits: Tensor<2>, batch: &Batch, vocabulary: &[String]) -> Vec<String> {
    match batch.target_kind {
        TargetKind::Numbers => {
            let [_, n_numbers] = logits.dims();
            let all: Vec<f32> = logits.into_data().iter::<f32>().collect();
            all.chunks(n_numbers.max(1)).map(numbers).collect()
        }
        _ => {
            let likeliest = logits.argmax(1).into_data();
            likeliest.iter::<u32>().map(|token| vocabulary[token as usize].clone()).collect()
        }
    }
}

/// What the model takes for the answer, target by target.
struct Probabilities {
    n_tokens: usize,
    /// Those of the targets that no example has taken yet.
    rest: std::vec::IntoIter<f32>,
}

impl Probabilities {
    /// Of logits `[n_targets, vocab_size]`.
    fn of(logits: Tensor<2>) -> Self {
        let [_, n_tokens] = logits.dims();
        let all: Vec<f32> = softmax(logits, 1).into_data().iter::<f32>().collect();
        Self { n_tokens, rest: all.into_iter() }
    }

    /// Those of the next example, position by position.
    fn answers(&mut self, example: &Example) -> Vec<f32> {
        let n_tokens = self.n_tokens;
        let positions = 0..example.targets.len();
        let at = |position| -> Vec<f32> {
            match example.carries_loss(position) {
                true => self.rest.by_ref().take(n_tokens).collect(),
                false => vec![f32::NAN; n_tokens],
            }
        };
        positions.flat_map(at).collect()
    }
}

/// "0.500 -1.250".
fn numbers(numbers: &[f32]) -> String {
    numbers.iter().map(|number| format!("{number:.3}")).collect::<Vec<_>>().join(" ")
}
