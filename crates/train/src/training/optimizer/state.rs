//! What an optimizer remembers, as plain data.

use std::collections::BTreeMap;

use burn::tensor::{DType, Device, Tensor};
use qkv_model::fused::AllFinite;

use super::Optimizer;
use super::parameter::ParameterInfo;

/// A tensor that an optimizer remembers of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateTensor {
    /// Its name in files, behind the path of the parameter: a word without dots.
    pub name: &'static str,
    /// Number of its values.
    pub n: usize,
}

/// All that an optimizer remembers. The same updates from the same state make the same weights.
#[derive(Debug, Clone, Default)]
pub struct OptimizerState {
    /// Number of updates so far.
    pub step: u64,
    /// Of each learned parameter, by its path; empty before the first update.
    pub tensors: BTreeMap<String, StateTensors>,
}

/// What an optimizer remembers of one parameter, by name; tensors without autodiff, `[n]`.
#[derive(Debug, Clone, Default)]
pub struct StateTensors(BTreeMap<&'static str, Tensor<1>>);

impl StateTensors {
    /// Zeros, as they are before the first update.
    pub fn zeros(optimizer: &dyn Optimizer, parameter: &ParameterInfo, place: (&Device, DType)) -> Self {
        let state = optimizer.state(parameter).into_iter();
        Self(state.map(|StateTensor { name, n }| (name, Tensor::zeros([n], place))).collect())
    }

    /// Takes a tensor out, so that it has one owner and can be changed in place; [`put`](Self::put) it back.
    ///
    /// # Panics
    /// If the state has no tensor of this name.
    #[track_caller]
    pub fn take(&mut self, name: &str) -> Tensor<1> {
        let Some(tensor) = self.0.remove(name) else {
            let there: Vec<&str> = self.0.keys().copied().collect();
            panic!(
                "the optimizer's state has no `{name}`, but {there:?}; `take` gives every name of \
                 `Optimizer::state`, and gives it again after `put`"
            );
        };
        tensor
    }

    /// Puts a tensor back.
    pub fn put(&mut self, name: &'static str, tensor: Tensor<1>) {
        self.0.insert(name, tensor);
    }

    /// The tensor of a name.
    pub fn get(&self, name: &str) -> Option<&Tensor<1>> {
        self.0.get(name)
    }

    /// All of them, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Tensor<1>)> {
        self.0.iter().map(|(name, tensor)| (*name, tensor))
    }

    /// These and what was to be tested before.
    pub(super) fn and_finite(&self, others: AllFinite) -> AllFinite {
        self.0.values().fold(others, AllFinite::and)
    }

    /// # Panics
    /// If these are not the tensors that the optimizer remembers of the parameter: it would not load what was saved.
    pub(super) fn assert_whole(&self, optimizer: &dyn Optimizer, parameter: &ParameterInfo, dtype: DType) {
        let path = &parameter.path;
        let expected = optimizer.state(parameter);
        for StateTensor { name, n } in &expected {
            let Some(tensor) = self.get(name) else {
                panic!(
                    "{optimizer:?} left `{path}.{name}` out of its state; put back what `take` gave, with \
                     `state.put(\"{name}\", ..)`"
                );
            };
            let ([got], precision) = (tensor.dims(), tensor.dtype());
            assert!(
                (got, precision) == (*n, dtype),
                "{optimizer:?} put {got} values of {precision:?} back as `{path}.{name}`, expected {n} of {dtype:?}; \
                 keep the length that `Optimizer::state` has for it, and the precision of the weights"
            );
        }
        if let Some((name, _)) =
            self.iter().find(|(name, _)| expected.iter().all(|known| known.name != *name))
        {
            panic!("{optimizer:?} put `{path}.{name}` into its state; list `{name}` in `Optimizer::state`");
        }
    }
}
