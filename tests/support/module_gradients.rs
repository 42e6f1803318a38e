//! The gradients that back-propagation leaves in the parameters of a module, by path.

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use qkv_model::parameters;

use crate::support::numbers::values;

/// What one parameter received.
pub struct Gradient {
    /// As in [`parameters`].
    pub path: String,
    /// Row-major; `None` where back-propagation does not reach.
    pub values: Option<Vec<f64>>,
}

/// The gradients of `loss`, in the order of [`parameters`].
pub fn gradients<M: Module>(module: &M, loss: &Tensor<1>) -> Vec<Gradient> {
    found(module, &GradientsParams::from_grads(loss.backward(), module))
}

/// Those that were found before.
pub fn found<M: Module>(module: &M, gradients: &GradientsParams) -> Vec<Gradient> {
    let mut visitor = Visitor { gradients, found: Vec::new() };
    module.visit(&mut visitor);
    let paths = parameters(module).into_iter().map(|parameter| parameter.path);
    paths.zip(visitor.found).map(|(path, values)| Gradient { path, values }).collect()
}

/// The largest absolute value; zero of nothing.
pub fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()))
}

struct Visitor<'a> {
    gradients: &'a GradientsParams,
    found: Vec<Option<Vec<f64>>>,
}

impl ModuleVisitor for Visitor<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.get::<D>(param.id);
        self.found.push(gradient.as_ref().map(values));
    }
}
