//! The search for the first tensor of a training that is not finite: slow, and only made once something is known to be.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use qkv_model::ModulePath;
use qkv_model::fused::all_finite;

use super::optimizer::{OptimizerState, StateTensors};
use crate::error::{Quantity, TrainError};

/// A value that is not finite.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NotFinite {
    pub what: Quantity,
    /// Path of the parameter that it belongs to.
    pub tensor: Option<String>,
    pub value: f64,
}

impl NotFinite {
    /// The number itself, unless it is finite.
    pub(crate) fn number(what: Quantity, value: f64) -> Option<Self> {
        (!value.is_finite()).then_some(Self { what, tensor: None, value })
    }

    /// The first value of the tensor that is not finite.
    pub(crate) fn in_tensor<const D: usize>(what: Quantity, path: &str, tensor: &Tensor<D>) -> Option<Self> {
        if all_finite(tensor) {
            return None;
        }
        let value = tensor.to_data().iter::<f64>().find(|value| !value.is_finite())?;
        Some(Self { what, tensor: Some(path.to_owned()), value })
    }

    /// The first in what the optimizer remembers of one parameter.
    pub(crate) fn in_state(path: &str, state: &StateTensors) -> Option<Self> {
        state.iter().find_map(|(name, tensor)| Self::in_tensor(Quantity::OptimizerState(name), path, tensor))
    }

    /// The first in what one update made of a parameter: the state first, because the new weights follow from it.
    pub(crate) fn in_update(path: &str, weights: &Tensor<1>, state: &StateTensors) -> Option<Self> {
        Self::in_state(path, state).or_else(|| Self::in_tensor(Quantity::Parameter, path, weights))
    }

    /// The first parameter in module order, and after all of them the first tensor of the optimizer's state, or
    /// gradient.
    pub(crate) fn search<M: Module>(
        model: &M,
        state: &OptimizerState,
        gradients: Option<&GradientsParams>,
    ) -> Option<Self> {
        let mut search = Search { path: ModulePath::default(), gradients, parameter: None, gradient: None };
        model.visit(&mut search);
        let in_state = || state.tensors.iter().find_map(|(path, state)| Self::in_state(path, state));
        search.parameter.or_else(in_state).or(search.gradient)
    }

    /// After `step` completed steps.
    pub(crate) fn after(self, step: u64) -> TrainError {
        let Self { what, tensor, value } = self;
        TrainError::Diverged { step, what, tensor, value }
    }
}

struct Search<'a> {
    path: ModulePath,
    gradients: Option<&'a GradientsParams>,
    parameter: Option<NotFinite>,
    gradient: Option<NotFinite>,
}

impl ModuleVisitor for Search<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = || self.path.names().join(".");
        if self.parameter.is_none() {
            self.parameter = NotFinite::in_tensor(Quantity::Parameter, &path(), &param.val());
        }
        let gradient = self.gradients.and_then(|gradients| gradients.get::<D>(param.id));
        if let Some(gradient) = gradient.filter(|_| self.gradient.is_none()) {
            self.gradient = NotFinite::in_tensor(Quantity::Gradient, &path(), &gradient);
        }
    }
}
