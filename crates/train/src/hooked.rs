//! A model that wraps a transformer: everything that the wrapped one shows, under the hook of the model.

use burn::tensor::{Int, Tensor};
use qkv_model::{Hook, Intermediate, Mode, Query, Stage, Trace, Transformer};

use crate::model::{Layer, Model};

/// A transformer, and what a model that wraps it does at its stages; see [`Model::hooked`].
///
/// The wrapped transformer computes by the reference implementation of attention, which has the stages. Hooks of
/// commands, such as those of `ablate`, are called after that of the model: they see and change what it returned.
pub struct Hooked<'a> {
    /// What is wrapped.
    pub transformer: &'a Transformer,
    /// The model's field that holds it, with which the paths of its layers begin.
    pub field: &'a str,
    /// What the model does at the stages of each layer.
    pub hook: Box<dyn Hook + 'a>,
}

impl Hooked<'_> {
    /// [`Model::features`] of the model.
    pub fn features(self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        self.features_with(tokens, mode, &mut |_: usize, _: Stage, x: Tensor<4>| x)
    }

    pub(crate) fn features_with(
        mut self,
        tokens: Tensor<3, Int>,
        mode: Mode,
        hook: &mut dyn Hook,
    ) -> Tensor<3> {
        let mut both = Both { first: &mut *self.hook, then: hook };
        self.transformer.features_with(tokens, mode, &mut both)
    }

    pub(crate) fn attention_weights(self, tokens: Tensor<3, Int>) -> Vec<Tensor<4>> {
        let mut all = Vec::new();
        self.features_with(tokens, Mode::Evaluate, &mut |_: usize, stage: Stage, x: Tensor<4>| {
            if stage == Stage::Weights {
                all.push(x.clone());
            }
            x
        });
        all
    }

    pub(crate) fn trace(mut self, tokens: Tensor<2, Int>, place: Query) -> Option<Trace> {
        self.transformer.trace_with(tokens, place, &mut *self.hook)
    }

    pub(crate) fn layers(&self) -> Vec<Layer> {
        let reason = Some("the model changes it at its stages");
        let layer = |layer: Layer| Layer {
            path: format!("{}.{}", self.field, layer.path),
            reference_reason: reason,
            ..layer
        };
        self.transformer.layers().into_iter().map(layer).collect()
    }
}

/// One hook after the other.
struct Both<'a> {
    first: &'a mut dyn Hook,
    then: &'a mut dyn Hook,
}

impl Hook for Both<'_> {
    fn at(&mut self, layer: usize, stage: Stage, x: Tensor<4>) -> Tensor<4> {
        self.then.at(layer, stage, self.first.at(layer, stage, x))
    }

    fn see(&mut self, layer: usize, what: Intermediate, x: &Tensor<4>) {
        self.first.see(layer, what, x);
        self.then.see(layer, what, x);
    }
}
