//! AdamW of our own: its state goes by the parameters' paths, so that a checkpoint of it can be read back.
//!
//! Burn's own keeps its state under parameter ids that are random in every process.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use qkv_model::ModulePath;
use qkv_model::fused::{self, AdamWState, Decay};

use super::clip::{clip_factor, global_norm};
use crate::config::OptimizerConfig;

/// AdamW ([Loshchilov and Hutter 2019, algorithm 2](https://arxiv.org/abs/1711.05101)), as PyTorch does it.
///
/// ```text
/// m = β₁ m + (1 - β₁) g                 v = β₂ v + (1 - β₂) g²
/// w = w - lr · weight_decay · w         on matrices only
/// w = w - lr · m / (1 - β₁ᵗ) / (√(v / (1 - β₂ᵗ)) + ε)
/// ```
///
/// Matrices decay, vectors such as biases and norms do not. Neither do the matrices that the caller names as tables of
/// vectors, such as embeddings: none of these is a map.
#[derive(Debug, Clone)]
pub struct AdamW {
    config: OptimizerConfig,
    /// Number of updates so far.
    pub step: u64,
    /// The moments of each parameter that was ever updated, by path.
    pub moments: BTreeMap<String, Moments>,
}

/// The moments of one parameter, flattened: `[n]`.
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

    /// The learning rate of a step at which the schedule gives `factor`.
    pub fn learning_rate(&self, factor: f64) -> f64 {
        self.config.lr * factor
    }

    /// Clips the gradients by their common norm and updates every parameter that has one, at the config's learning rate
    /// times `factor`. The matrices in `tables` do not decay; see [`Model::tables`](crate::Model::tables).
    ///
    /// Returns the norm before clipping, too; where it is not finite, nothing is updated.
    pub fn update<M: Module>(
        &mut self,
        factor: f64,
        tables: &[ParamId],
        module: M,
        grads: GradientsParams,
    ) -> (M, f64) {
        let grad_norm = global_norm(&module, &grads);
        if !grad_norm.is_finite() {
            return (module, grad_norm);
        }
        self.step += 1;
        let OptimizerConfig { beta_1, beta_2, epsilon, weight_decay, clip, .. } = self.config;
        let numbers = fused::AdamW {
            learning_rate: self.learning_rate(factor),
            beta_1,
            beta_2,
            epsilon,
            weight_decay,
            step: self.step,
            gradient_factor: clip_factor(grad_norm, clip),
        };
        let path = ModulePath::default();
        (module.map(&mut Update { optimizer: self, numbers, tables, grads, path }), grad_norm)
    }
}

struct Update<'a> {
    optimizer: &'a mut AdamW,
    numbers: fused::AdamW,
    tables: &'a [ParamId],
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
        let is_map = D >= 2 && !self.tables.contains(&param.id);
        let decay = if is_map { Decay::On } else { Decay::Off };
        let path = self.path.names().join(".");
        param.map(|w| {
            let is_learned = w.is_require_grad();
            let w = self.updated(path, w.inner(), &grad, decay);
            let w = Tensor::from_inner(w);
            if is_learned { w.require_grad() } else { w }
        })
    }
}

impl Update<'_> {
    fn updated<const D: usize>(
        &mut self,
        path: String,
        weights: Tensor<D>,
        grad: &Tensor<D>,
        decay: Decay,
    ) -> Tensor<D> {
        let (mean, mean_square) = match self.optimizer.moments.remove(&path) {
            Some(Moments { m, v }) => (m, v),
            None => {
                let zeros =
                    || Tensor::zeros([weights.shape().num_elements()], (&weights.device(), weights.dtype()));
                (zeros(), zeros())
            }
        };
        let state = AdamWState { weights, mean, mean_square };
        let state = if fused::supports(&state.weights) {
            state.update(&self.numbers, grad, decay)
        } else {
            reference(state, &self.numbers, grad.clone(), decay)
        };
        self.optimizer.moments.insert(path, Moments { m: state.mean, v: state.mean_square });
        state.weights
    }
}

/// The reference implementation in tensor operations, for devices without kernels.
fn reference<const D: usize>(
    AdamWState { weights, mean, mean_square }: AdamWState<D>,
    numbers: &fused::AdamW,
    grad: Tensor<D>,
    decay: Decay,
) -> AdamWState<D> {
    let fused::AdamW { learning_rate, beta_1, beta_2, epsilon, weight_decay, step, gradient_factor } =
        *numbers;
    let shape = weights.dims();
    let n = weights.shape().num_elements();
    let grad: Tensor<1> = grad.reshape([n]).mul_scalar(gradient_factor);
    let mean_square = mean_square.mul_scalar(beta_2) + (grad.clone() * grad.clone()).mul_scalar(1.0 - beta_2);
    let mean = mean.mul_scalar(beta_1) + grad.mul_scalar(1.0 - beta_1);
    let unbiased = |beta: f64| 1.0 - beta.powf(step as f64);
    let length = mean_square.clone().div_scalar(unbiased(beta_2)).sqrt().add_scalar(epsilon);
    let change = mean.clone().mul_scalar(learning_rate / unbiased(beta_1)) / length;
    let kept = match decay {
        Decay::On => weights.mul_scalar(1.0 - learning_rate * weight_decay),
        Decay::Off => weights,
    };
    AdamWState { weights: kept - change.reshape(shape), mean, mean_square }
}
