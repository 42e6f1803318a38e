//! A wanted map: what the model would answer if a head had the attention weights of a drawn map.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use qkv_model::{Hook, Intermediate, Mode, Stage};
use serde::Serialize;

use super::ablation::run;
use super::effect::Effect;
use super::site::prediction_with;
use crate::error::{PartFault, TrainError};
use crate::measure::{HeldOut, Measures, answer_labels, go_on, whole};
use crate::model::Model;
use crate::task::{Example, Task};
use crate::training::{Batch, LossInputs};

/// Attention weights that a head is to have instead of its own, the same for every input.
///
/// ```text
/// A'[q, k] = w[q, k] / Σ_k w[q, k]      in every row with a weight
/// A'[q, k] = A[q, k]                    in every row without one: it is left to the model
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct WantedMap {
    layer: usize,
    head: usize,
    seq_len: usize,
    /// Row by row, each with the sum 1 or without any weight.
    weights: Vec<f64>,
}

impl WantedMap {
    /// The map `weights`, `[seq_len * seq_len]` row by row, for a head of a layer.
    ///
    /// # Errors
    /// If there are not as many weights, or one is negative or not finite.
    pub fn new(layer: usize, head: usize, seq_len: usize, weights: &[f32]) -> Result<Self, TrainError> {
        let expected = format!("{seq_len} × {seq_len} weights, one for each query and key");
        TrainError::in_range(weights.len() == seq_len.pow(2), "map", expected, weights.len())?;
        for (cell, &weight) in weights.iter().enumerate() {
            let (query, key) = (cell / seq_len, cell % seq_len);
            let expected = format!("0 or more, and finite, at query {query}, key {key}");
            TrainError::in_range(weight >= 0.0 && weight.is_finite(), "map", expected, weight)?;
        }
        let rows = weights.chunks(seq_len.max(1)).flat_map(|row| {
            let sum: f64 = row.iter().map(|&weight| f64::from(weight)).sum();
            row.iter().map(move |&weight| if sum > 0.0 { f64::from(weight) / sum } else { 0.0 })
        });
        Ok(Self { layer, head, seq_len, weights: rows.collect() })
    }

    /// The rows that are drawn, with the index of their query.
    fn drawn(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let rows = self.weights.chunks(self.seq_len.max(1)).enumerate();
        rows.filter(|(_, row)| row.iter().any(|&weight| weight > 0.0))
    }

    /// The weights, and which of them are drawn, for the attention weights `x`, `[batch, heads, seq_len, seq_len]`: both
    /// `[1, 1, seq_len, seq_len]`.
    fn tensors(&self, x: &Tensor<4>) -> (Tensor<4>, Tensor<4, Bool>) {
        let (device, shape) = (x.device(), [1, 1, self.seq_len, self.seq_len]);
        let mut is_drawn = vec![false; self.weights.len()];
        self.drawn().for_each(|(query, row)| is_drawn[query * self.seq_len..][..row.len()].fill(true));
        let weights = TensorData::new(self.weights.clone(), shape);
        let is_drawn = Tensor::from_data(TensorData::new(is_drawn, shape), &device);
        (Tensor::from_data(weights, (&device, x.dtype())), is_drawn)
    }

    /// Against the weights `own` of the model, row by row.
    fn cross_entropy(&self, own: &[f64]) -> Option<f64> {
        let rows: Vec<f64> = self
            .drawn()
            .map(|(query, row)| {
                let own = &own[query * self.seq_len..(query + 1) * self.seq_len];
                // A weight of zero adds nothing, whatever the model has there.
                row.iter().zip(own).filter(|(w, _)| **w > 0.0).map(|(w, own)| -w * own.ln()).sum()
            })
            .collect();
        (!rows.is_empty()).then(|| rows.iter().sum::<f64>() / rows.len() as f64)
    }
}

/// What a model does with a wanted map.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WithMap {
    /// On the example alone; `None` where it asks for nothing.
    pub effect: Option<Effect>,
    /// The model's answers with the map, position by position; empty where none counts.
    pub answers: Vec<String>,
    /// `- Σ_k A'[q, k] ln A[q, k]`, the mean over the drawn rows, in nats; infinite where the model has no weight at all on
    /// a key that is drawn, `None` where nothing is drawn.
    pub cross_entropy: Option<f64>,
    /// The same of the drawn map with itself, which is its least.
    pub entropy: Option<f64>,
}

/// A model that is asked what it would do with wanted maps. The model stays as it is.
///
/// Everything is computed by the reference implementation, with the map and without.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, TransformerConfig};
/// use qkv_train::{Examples, Forcing, HeldOut, Measures, Reverse, Split, WantedMap, draw};
///
/// let (device, task) = (Device::flex(), Reverse { seq_len: 3, n_symbols: 7 });
/// let model = TransformerConfig::new(7, 3, 8).init(&Init::new(&device, 1))?;
/// let forcing = Forcing::new(&model, &task, Measures::default(), &device);
/// // The last token looks at the first; the other two rows are left to the model.
/// let map = WantedMap::new(0, 0, 3, &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0])?;
/// let found = forcing.example(&map, &draw(&task, 0, Split::Test, 0)?)?;
/// assert_eq!((found.answers.len(), found.entropy), (3, Some(0.0)));
/// assert!(found.cross_entropy.is_some_and(|nats| nats > 0.0));
/// let examples = Examples { task: &task, seed: 0, split: Split::Test };
/// let effect = forcing.held_out(&map, HeldOut { examples, n_examples: 20 })?;
/// assert_ne!(effect.loss_change(), 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Forcing<'a, M> {
    model: &'a M,
    task: &'a dyn Task,
    measures: Measures<'a>,
    device: Device,
}

impl<'a, M: Model> Forcing<'a, M> {
    /// `model` should be a validation copy (`model.valid()`).
    pub fn new(model: &'a M, task: &'a dyn Task, measures: Measures<'a>, device: &Device) -> Self {
        Self { model, task, measures, device: device.clone().without_autodiff() }
    }

    /// On one example.
    ///
    /// # Errors
    /// If the example has not the task's length, or the model no such layer or head; if a key is drawn that the mask hides
    /// from its query; if the model shows nothing to hooks.
    pub fn example(&self, map: &WantedMap, example: &Example) -> Result<WithMap, TrainError> {
        let batch = Batch::new(self.task, std::slice::from_ref(example), &self.device)?;
        let own = self.own(map, &batch)?;
        let mut hook = Force { map, tensors: None };
        let logits = prediction_with(self.model, &batch, LossInputs::default(), &mut hook)?.logits;
        let measured = |hook: &mut dyn Hook| {
            let mut ask = go_on;
            let batches = std::slice::from_ref(&batch);
            run((self.model, self.task, self.measures), batches, (hook, &mut ask)).map(whole)
        };
        let effect = match example.asks_nothing() {
            true => None,
            false => {
                Some(Effect { before: measured(&mut |_, _, x: Tensor<4>| x)?, after: measured(&mut hook)? })
            }
        };
        let mut labels = answer_labels(logits, &batch, &self.task.vocabulary()).into_iter();
        let positions = 0..self.task.seq_len();
        let answer = |position| match example.carries_loss(position) {
            true => labels.next().unwrap_or_default(),
            false => String::new(),
        };
        Ok(WithMap {
            effect,
            answers: positions.map(answer).collect(),
            cross_entropy: map.cross_entropy(&own),
            entropy: map.cross_entropy(&map.weights),
        })
    }

    /// On held-out examples.
    ///
    /// # Errors
    /// As [`example`](Self::example), and if the split is empty or no example has a target.
    pub fn held_out(&self, map: &WantedMap, held_out: HeldOut<'a>) -> Result<Effect, TrainError> {
        let batches: Vec<Batch> = held_out.batches(&self.device).collect::<Result<_, _>>()?;
        if let Some(batch) = batches.first() {
            self.own(map, batch)?;
        }
        let measured = |hook: &mut dyn Hook| {
            let mut ask = go_on;
            run((self.model, self.task, self.measures), &batches, (hook, &mut ask)).map(whole)
        };
        Ok(Effect {
            before: measured(&mut |_, _, x: Tensor<4>| x)?,
            after: measured(&mut Force { map, tensors: None })?,
        })
    }

    /// The weights that the model itself has for the first example, row by row, once the map is known to fit them.
    fn own(&self, map: &WantedMap, batch: &Batch) -> Result<Vec<f64>, TrainError> {
        let mut seen = Seen { layer: map.layer, ..Seen::default() };
        let features = self.model.features_with(batch.tokens.clone(), Mode::Evaluate, &mut seen);
        features.ok_or(PartFault::NotWritten { method: "features_with", done: "changed inside" })?;
        let expected = format!("below {} for the layers of the model", seen.n_layers);
        TrainError::in_range(seen.weights.is_some(), "layer", expected, map.layer)?;
        let weights = seen.weights.expect("it is in range");
        let [_, n_heads, q_len, k_len] = weights.dims();
        let expected = format!("below {n_heads} for the heads of layer {}", map.layer);
        TrainError::in_range(map.head < n_heads, "head", expected, map.head)?;
        let fits = [q_len, k_len] == [map.seq_len; 2];
        TrainError::in_range(fits, "map", format!("{q_len} × {k_len}"), map.seq_len)?;
        let of_head = |x: Tensor<4>| -> Vec<f64> {
            x.narrow(0, 0, 1).narrow(1, map.head, 1).into_data().iter::<f64>().collect()
        };
        let masked = seen.masked.map(of_head).unwrap_or_default();
        for (cell, (&score, &weight)) in masked.iter().zip(&map.weights).enumerate() {
            let (query, key) = (cell / k_len, cell % k_len);
            let expected = format!("0 at query {query}, key {key}, which the mask hides");
            let fits = weight == 0.0 || score != f64::NEG_INFINITY;
            TrainError::in_range(fits, "map", expected, weight)?;
        }
        Ok(of_head(weights))
    }
}

/// Puts the map in the place of the head's own.
struct Force<'a> {
    map: &'a WantedMap,
    /// Made for the first batch: they are the same for all.
    tensors: Option<(Tensor<4>, Tensor<4, Bool>)>,
}

impl Hook for Force<'_> {
    fn at(&mut self, layer: usize, stage: Stage, x: Tensor<4>) -> Tensor<4> {
        let Self { map, tensors } = self;
        if (layer, stage) != (map.layer, Stage::Weights) {
            return x;
        }
        let [batch, _, q_len, k_len] = x.dims();
        let (wanted, is_drawn) = tensors.get_or_insert_with(|| map.tensors(&x)).clone();
        let shape = [batch, 1, q_len, k_len];
        let own = x.clone().narrow(1, map.head, 1);
        let forced = own.mask_where(is_drawn.expand(shape), wanted.expand(shape));
        x.slice_assign([0..batch, map.head..map.head + 1, 0..q_len, 0..k_len], forced)
    }
}

/// What a layer does by itself.
#[derive(Default)]
struct Seen {
    layer: usize,
    n_layers: usize,
    weights: Option<Tensor<4>>,
    masked: Option<Tensor<4>>,
}

impl Hook for Seen {
    fn at(&mut self, layer: usize, stage: Stage, x: Tensor<4>) -> Tensor<4> {
        self.n_layers = self.n_layers.max(layer + 1);
        if (layer, stage) == (self.layer, Stage::Weights) {
            self.weights = Some(x.clone());
        }
        x
    }

    fn see(&mut self, layer: usize, what: Intermediate, x: &Tensor<4>) {
        if (layer, what) == (self.layer, Intermediate::Masked) {
            self.masked = Some(x.clone());
        }
    }
}
