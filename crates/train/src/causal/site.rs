//! A place inside a model, and a pass that shows or changes what stands there.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use qkv_model::{Hook, Mode, Stage};

use crate::error::{PartFault, TrainError};
use crate::model::Model;
use crate::training::{Batch, LossInputs, Prediction};

/// One stage of one head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// Index of the layer.
    pub layer: usize,
    /// Which of its activations.
    pub stage: Stage,
    /// Index of the head: of the heads of keys and values for these two, which are fewer where groups share them, and 0
    /// for the residual stream.
    pub head: usize,
}

/// An activation that is replaced: that of a site, or of one of its positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patch {
    /// Which stage of which head.
    pub site: Site,
    /// At this position alone: that of the key for keys and values, of the query for weights, its own for all others;
    /// `None` for all positions.
    pub position: Option<usize>,
}

/// One tensor for every stage of every layer, `[.., heads, .., ..]`.
pub(super) type Stages = BTreeMap<(usize, Stage), Tensor<4>>;

impl Patch {
    /// What stands there in `stages`, `[.., 1, len, ..]`; `len` is 1 at one position.
    ///
    /// # Errors
    /// If the model has no such layer, stage, head or position.
    pub(super) fn of(self, stages: &Stages) -> Result<Tensor<4>, TrainError> {
        let Site { layer, stage, head } = self.site;
        let Some(x) = stages.get(&(layer, stage)) else {
            let n_layers = stages.keys().next_back().map_or(0, |(layer, _)| layer + 1);
            below(n_layers, "layer", "the layers of the model", layer)?;
            let expected = "one that the model shows its hooks".to_owned();
            return Err(TrainError::OutOfRange { key: "stage", expected, got: stage.name().to_owned() });
        };
        let [_, n_heads, len, _] = x.dims();
        below(n_heads, "head", &format!("the {} of layer {layer}", stage.name()), head)?;
        let x = x.clone().narrow(1, head, 1);
        let Some(position) = self.position else { return Ok(x) };
        below(len, "position", "these inputs", position)?;
        Ok(x.narrow(2, position, 1))
    }
}

fn below(count: usize, key: &'static str, of: &str, got: usize) -> Result<(), TrainError> {
    TrainError::in_range(got < count, key, format!("below {count} for {of}"), got)
}

/// How often each stage was shown.
#[derive(Default)]
pub(super) struct Shown(BTreeMap<(usize, Stage), usize>);

impl Shown {
    pub(super) fn count(&mut self, layer: usize, stage: Stage) {
        *self.0.entry((layer, stage)).or_default() += 1;
    }

    /// Refuses a stage that was not shown once in each of so many passes.
    pub(super) fn check(self, passes: usize) -> Result<(), TrainError> {
        match self.0.into_iter().find(|&(_, times)| times != passes) {
            None => Ok(()),
            Some(((layer, stage), times)) => {
                Err(PartFault::ShownTwice { layer, stage: stage.name(), times, passes }.into())
            }
        }
    }
}

/// The hook that puts each tensor, `[1 or batch, 1, len, width]`, in the place of the model's own.
pub(super) fn replacing(by: &[(Patch, Tensor<4>)]) -> impl Hook {
    move |layer, stage, x: Tensor<4>| {
        let here = by.iter().filter(|(patch, _)| (patch.site.layer, patch.site.stage) == (layer, stage));
        here.fold(x, |x, (Patch { site, position }, by)| {
            let [batch, _, len, width] = x.dims();
            let positions = position.map_or(0..len, |position| position..position + 1);
            let by = by.clone().expand([batch, 1, positions.len(), width]);
            x.slice_assign([0..batch, site.head..site.head + 1, positions, 0..width], by)
        })
    }
}

/// What a pass with `hook` predicts.
pub(super) fn prediction_with<'a, M: Model>(
    model: &M,
    batch: &'a Batch,
    inputs: LossInputs,
    hook: &mut dyn Hook,
) -> Result<Prediction<'a>, TrainError> {
    Prediction::with_hook(model, batch, (Mode::Evaluate, inputs), hook, "changed inside")
}
