//! A place inside a model that can be changed.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use qkv_model::Stage;

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
    /// The head of its stage in `stages`, `[.., 1, .., ..]`.
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
                Err(TrainError::ShownTwice { layer, stage: stage.name(), times, passes })
            }
        }
    }
}

pub(super) fn out_of_range(key: &'static str, count: usize, of: &str, got: usize) -> TrainError {
    TrainError::OutOfRange { key, expected: format!("below {count} for {of}"), got: got.to_string() }
}
