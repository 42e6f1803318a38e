//! Ablation: results of the model without a head, or without its queries, keys or values.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor};
use qkv_model::{Hook, Stage};
use qkv_run::Evaluation;
use serde::Serialize;

use super::effect::Effect;
use super::site::{Patch, Shown, Site, Stages, prediction_with, replacing};
use crate::error::TrainError;
use crate::measure::{Ask, Asked, EvaluationProgress, HeldOut, Measures, Tally, go_on, whole};
use crate::model::Model;
use crate::task::{Examples, Task};
use crate::training::Batch;

/// What replaces the activations of an ablated site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replacement {
    /// Zero: as if the head's part of W_Q, W_K or W_V and its bias were zero, or its rows of W_O for the context and
    /// the weights, or the whole residual stream before the layer.
    Zero,
    /// At every position its mean over the held-out examples: what depends on the position alone stays, and what
    /// depends on the input goes.
    Mean,
}

/// A model and held-out examples for the ablation of its parts
/// ([Michel et al. 2019](https://arxiv.org/abs/1905.10650) for whole heads;
/// [Wang et al. 2023, section 2](https://arxiv.org/abs/2211.00593) for means).
///
/// ```text
/// x_h[t] = 0    or    x_h[t] = 1/N Σ_n x_h[n, t]        x: the queries, keys, values, … of head h at position t
/// loss_change = loss(model with that x_h) - loss(model)
/// ```
///
/// Everything is computed by the reference implementation, before and after.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, Stage, TransformerConfig};
/// use qkv_train::{Ablation, Examples, Replacement, Reverse, Site, Split};
///
/// let device = Device::flex();
/// let task = Reverse { seq_len: 5, n_symbols: 7 };
/// let model = TransformerConfig::new(7, 5, 8).init(&Init::new(&device, 1))?;
/// let examples = Examples { task: &task, seed: 0, split: Split::Test };
/// let ablation = Ablation::new(&model, examples, 100, &device)?;
/// let head = Site { layer: 0, stage: Stage::Context, head: 0 };
/// assert!(ablation.sites().contains(&head));
/// assert_ne!(ablation.without(&[head], Replacement::Zero)?.loss_change(), 0.0);
/// assert_eq!(ablation.without(&[], Replacement::Zero)?.loss_change(), 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Ablation<'a, M> {
    model: &'a M,
    task: &'a dyn Task,
    measures: Measures<'a>,
    batches: Vec<Batch>,
    before: Evaluation,
    means: Stages,
}

impl<'a, M: Model> Ablation<'a, M> {
    /// Runs the model as it is on the first `n_examples`, at least one; `model` should be a validation copy
    /// (`model.valid()`). The loss is the cross-entropy.
    ///
    /// # Errors
    /// If the split is empty, no example has a target, the model has no `features_with`, or it shows its hooks a
    /// stage more than once.
    pub fn new(
        model: &'a M,
        examples: Examples<'a>,
        n_examples: u64,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let held_out = HeldOut { examples, n_examples };
        Self::new_while(model, held_out, Measures::default(), device, &mut go_on).map(whole)
    }

    /// The same with other measures, such as those of a training, for as long as `ask` answers `Continue`.
    ///
    /// # Errors
    /// As [`new`](Self::new), those of `ask`, and if the measures do not fit the task.
    pub fn new_while(
        model: &'a M,
        held_out: HeldOut<'a>,
        measures: Measures<'a>,
        device: &Device,
        ask: &mut Ask<'_>,
    ) -> Result<Asked<Self>, TrainError> {
        let task = held_out.examples.task;
        let batches: Vec<Batch> = held_out.batches(device).collect::<Result<_, _>>()?;
        let mut means = Stages::new();
        let mut shown = Shown::default();
        let mut sum = |layer, stage, x: Tensor<4>| {
            shown.count(layer, stage);
            let some = x.clone().sum_dim(0);
            let sum = match means.remove(&(layer, stage)) {
                Some(sum) => sum + some,
                None => some,
            };
            means.insert((layer, stage), sum);
            x
        };
        let before = match run((model, task, measures), &batches, (&mut sum, ask))? {
            ControlFlow::Continue(before) => before,
            ControlFlow::Break(progress) => return Ok(ControlFlow::Break(progress)),
        };
        shown.check(batches.len())?;
        for mean in means.values_mut() {
            *mean = mean.clone().div_scalar(before.examples as f64);
        }
        Ok(ControlFlow::Continue(Self { model, task, measures, batches, before, means }))
    }

    /// Results of the model as it is.
    pub fn before(&self) -> &Evaluation {
        &self.before
    }

    /// The queries, keys, values and context of every head, layer by layer.
    pub fn sites(&self) -> Vec<Site> {
        let is_of_head =
            |stage| matches!(stage, Stage::Queries | Stage::Keys | Stage::Values | Stage::Context);
        let heads = self.means.iter().filter(|((_, stage), _)| is_of_head(*stage));
        let sites = heads.flat_map(|(&(layer, stage), mean)| {
            (0..mean.dims()[1]).map(move |head| Site { layer, stage, head })
        });
        sites.collect()
    }

    /// Ablates all of `sites` at once.
    ///
    /// # Errors
    /// If the model has no such layer or head.
    pub fn without(&self, sites: &[Site], replacement: Replacement) -> Result<Effect, TrainError> {
        self.without_while(sites, replacement, &mut go_on).map(whole)
    }

    /// The same, for as long as `ask` answers `Continue`.
    ///
    /// # Errors
    /// As [`without`](Self::without), and those of `ask`.
    pub fn without_while(
        &self,
        sites: &[Site],
        replacement: Replacement,
        ask: &mut Ask<'_>,
    ) -> Result<Asked<Effect>, TrainError> {
        let by = sites.iter().map(|&site| {
            let patch = Patch { site, position: None };
            let mean = patch.of(&self.means)?;
            let by = match replacement {
                Replacement::Zero => mean.zeros_like(),
                Replacement::Mean => mean,
            };
            Ok((patch, by))
        });
        let by: Vec<(Patch, Tensor<4>)> = by.collect::<Result<_, TrainError>>()?;
        let model = (self.model, self.task, self.measures);
        let after = run(model, &self.batches, (&mut replacing(&by), ask))?;
        Ok(after.map_continue(|after| Effect { before: self.before.clone(), after }))
    }
}

/// What the model makes of these batches under a hook.
pub(super) fn run<M: Model>(
    (model, task, measures): (&M, &dyn Task, Measures<'_>),
    batches: &[Batch],
    (hook, ask): (&mut dyn Hook, &mut Ask<'_>),
) -> Result<Asked<Evaluation>, TrainError> {
    let n_examples = batches.iter().map(|batch| batch.targets_per_example.len() as u64).sum();
    let mut tally = Tally::new(measures, task)?;
    for batch in batches {
        let progress = EvaluationProgress { n_done: tally.n_examples(), n_examples };
        if ask(progress)?.is_break() {
            return Ok(ControlFlow::Break(progress));
        }
        tally.add(prediction_with(model, batch, tally.inputs(), hook)?);
    }
    tally.evaluation().map(ControlFlow::Continue)
}
