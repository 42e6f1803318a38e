//! A place inside a model that can be changed.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use qkv_model::{Hook, Stage};

use crate::error::TrainError;

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

/// One tensor for every stage of every layer, `[.., heads, .., ..]`.
pub(super) type Stages = BTreeMap<(usize, Stage), Tensor<4>>;

impl Site {
    /// What `stages` hold of it, `[.., 1, .., ..]`.
    ///
    /// # Errors
    /// If the model has no such layer or head.
    pub(super) fn of(self, stages: &Stages) -> Result<Tensor<4>, TrainError> {
        let Self { layer, stage, head } = self;
        let Some(x) = stages.get(&(layer, stage)) else {
            let n_layers = stages.keys().next_back().map_or(0, |(layer, _)| layer + 1);
            if layer >= n_layers {
                return Err(out_of_range("layer", n_layers, "the layers of the model", layer));
            }
            let expected = "one that the model shows its hooks".to_owned();
            return Err(TrainError::OutOfRange { key: "stage", expected, got: stage.name().to_owned() });
        };
        let n_heads = x.dims()[1];
        if head >= n_heads {
            return Err(out_of_range(
                "head",
                n_heads,
                &format!("the {} of layer {layer}", stage.name()),
                head,
            ));
        }
        Ok(x.clone().narrow(1, head, 1))
    }
}

/// A hook that adds up what it sees, `[1, heads, .., ..]`.
#[derive(Default)]
pub(super) struct Seen {
    sums: Stages,
    times: BTreeMap<(usize, Stage), usize>,
}

impl Hook for Seen {
    fn at(&mut self, layer: usize, stage: Stage, x: Tensor<4>) -> Tensor<4> {
        let here = (layer, stage);
        let some = x.clone().sum_dim(0);
        let sum = match self.sums.remove(&here) {
            Some(sum) => sum + some,
            None => some,
        };
        self.sums.insert(here, sum);
        *self.times.entry(here).or_default() += 1;
        x
    }
}

impl Seen {
    /// The sums, if each stage was seen once in each of so many passes.
    pub(super) fn once_a_pass(self, passes: usize) -> Result<Stages, TrainError> {
        match self.times.into_iter().find(|&(_, times)| times != passes) {
            None => Ok(self.sums),
            Some(((layer, stage), times)) => {
                Err(TrainError::ShownTwice { layer, stage: stage.name(), times, passes })
            }
        }
    }
}

pub(super) fn out_of_range(key: &'static str, count: usize, of: &str, got: usize) -> TrainError {
    TrainError::OutOfRange { key, expected: format!("below {count} for {of}"), got: got.to_string() }
}
