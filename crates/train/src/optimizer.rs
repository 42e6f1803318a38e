//! AdamW, written out: its state goes by the parameters' paths, so that a checkpoint of it can be read back.
//!
//! Burn's own keeps its state under parameter ids that are random in every process.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use qkv_model::ModulePath;

use crate::config::OptimizerConfig;

/// AdamW ([Loshchilov and Hutter 2019, algorithm 2](https://arxiv.org/abs/1711.05101)), as PyTorch does it.
///
/// ```text
/// m = β₁ m + (1 - β₁) g                 v = β₂ v + (1 - β₂) g²
/// w = w - lr · weight_decay · w         on matrices only
/// w = w - lr · m / (1 - β₁ᵗ) / (√(v / (1 - β₂ᵗ)) + ε)
/// ```
///
/// Vectors are biases and norms, and embeddings and position vectors are tables of vectors: none of them is a map, so
/// none decays. A table is recognised by its path, `embedding` or `positions`.
#[derive(Debug, Clone)]
pub struct AdamW {
    config: OptimizerConfig,
    /// Number of updates so far.
    pub step: u64,
    /// The moments of each parameter that was ever updated, by path.
    pub moments: BTreeMap<String, Moments>,
}

/// What AdamW remembers of one parameter, flattened: `[n]`.
#[derive(Debug, Clone)]
pub struct Moments {
    /// Running mean of the gradient.
    pub m: Tensor<1>,
    /// Running mean of its square.
    pub v: Tensor<1>,
}

impl AdamW {
    /// Before the first update.
    pub fn new(config: &OptimizerConfig) -> Self {
        Self { config: config.clone(), step: 0, moments: BTreeMap::new() }
    }

    /// Updates every parameter that has a gradient, at learning rate `lr`.
    pub fn update<M: Module>(&mut self, lr: f64, module: M, grads: GradientsParams) -> M {
        self.step += 1;
        module.map(&mut Update { optimizer: self, lr, grads, path: ModulePath::default() })
    }
}

struct Update<'a> {
    optimizer: &'a mut AdamW,
    lr: f64,
    grads: GradientsParams,
    path: ModulePath,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(grad) = self.grads.remove::<D>(param.id) else { return param };
        let names = self.path.names();
        let is_table = names.iter().any(|name| ["embedding", "positions"].contains(name));
        let decay = if D >= 2 && !is_table { self.optimizer.config.weight_decay } else { 0.0 };
        let path = names.join(".");
        param.map(|w| {
            let is_learned = w.is_require_grad();
            let w = self.updated(path, w.inner(), grad, decay);
            let w = Tensor::from_inner(w);
            if is_learned { w.require_grad() } else { w }
        })
    }
}

impl Update<'_> {
    fn updated<const D: usize>(
        &mut self,
        path: String,
        w: Tensor<D>,
        grad: Tensor<D>,
        decay: f64,
    ) -> Tensor<D> {
        let OptimizerConfig { beta_1, beta_2, epsilon, .. } = self.optimizer.config;
        let n = w.dims().iter().product::<usize>();
        let grad: Tensor<1> = grad.reshape([n]);
        let mean = |old: Option<Tensor<1>>, new: Tensor<1>, beta: f64| match old {
            Some(old) => old.mul_scalar(beta) + new.mul_scalar(1.0 - beta),
            None => new.mul_scalar(1.0 - beta),
        };
        let (m, v) = match self.optimizer.moments.remove(&path) {
            Some(Moments { m, v }) => (Some(m), Some(v)),
            None => (None, None),
        };
        let v = mean(v, grad.clone() * grad.clone(), beta_2);
        let m = mean(m, grad, beta_1);
        let unbiased = |beta: f64| 1.0 - beta.powf(self.optimizer.step as f64);
        let length = v.clone().div_scalar(unbiased(beta_2)).sqrt().add_scalar(epsilon);
        let change = m.clone().mul_scalar(self.lr / unbiased(beta_1)) / length;
        self.optimizer.moments.insert(path, Moments { m, v });
        let kept = if decay == 0.0 { w.clone() } else { w.clone().mul_scalar(1.0 - self.lr * decay) };
        kept - change.reshape(w.dims())
    }
}
