//! AdamW of our own: its state goes by the parameters' paths, so that a checkpoint of it can be read back.
//!
//! Burn's own keeps its state under parameter ids that are random in every process.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use qkv_model::ModulePath;
use qkv_model::fused::{self, AdamWState, Decay, all_finite};

use super::clip::{clip_factor, global_norm};
use super::finite::NotFinite;
use crate::config::OptimizerConfig;
use crate::error::{Quantity, TrainError};

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
    /// Returns the norm before clipping, too.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] with the first gradient, parameter or moment that is not finite, before the update or
    /// after it.
    pub fn update<M: Module>(
        &mut self,
        factor: f64,
        tables: &[ParamId],
        module: M,
        grads: GradientsParams,
    ) -> Result<(M, f64), TrainError> {
        let grad_norm = global_norm(&module, &grads);
        if let Some(norm) = NotFinite::number(Quantity::GradientNorm, grad_norm) {
            let cause = NotFinite::search(&module, &self.moments, Some(&grads));
            return Err(cause.unwrap_or(norm).after(self.step));
        }
        let step_before = self.step;
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
        let (path, not_finite) = (ModulePath::default(), None);
        let mut update = Update { optimizer: self, numbers, tables, grads, path, not_finite };
        let module = module.map(&mut update);
        match update.not_finite {
            None => Ok((module, grad_norm)),
            Some(found) => Err(found.after(step_before)),
        }
    }
}

struct Update<'a> {
    optimizer: &'a mut AdamW,
    numbers: fused::AdamW,
    tables: &'a [ParamId],
    grads: GradientsParams,
    path: ModulePath,
    /// The first that was found; what follows is not updated.
    not_finite: Option<NotFinite>,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.not_finite.is_some() {
            return param;
        }
        let Some(grad) = self.grads.remove::<D>(param.id) else {
            self.check_unchanged(&param);
            return param;
        };
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
    /// A parameter without a gradient stays what it is, and what that is may be NaN.
    fn check_unchanged<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.names().join(".");
        let of_moments = || NotFinite::in_moments(&path, self.optimizer.moments.get(&path)?);
        self.not_finite = NotFinite::in_tensor(Quantity::Parameter, &path, &param.val()).or_else(of_moments);
    }

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
        let (AdamWState { weights, mean: m, mean_square: v }, is_finite) =
            match fused::supports(&state.weights) {
                true => state.update(&self.numbers, grad, decay),
                false => reference(state, &self.numbers, grad.clone(), decay),
            };
        let moments = Moments { m, v };
        if !is_finite {
            // The moments first: the new weights follow from them.
            self.not_finite = NotFinite::in_moments(&path, &moments)
                .or_else(|| NotFinite::in_tensor(Quantity::Parameter, &path, &weights));
        }
        self.optimizer.moments.insert(path, moments);
        weights
    }
}

/// The reference implementation in tensor operations, for devices without kernels; and whether its result is finite.
fn reference<const D: usize>(
    AdamWState { weights, mean, mean_square }: AdamWState<D>,
    numbers: &fused::AdamW,
    grad: Tensor<D>,
    decay: Decay,
) -> (AdamWState<D>, bool) {
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
    let weights = kept - change.reshape(shape);
    let is_finite = all_finite(&weights) && all_finite(&mean) && all_finite(&mean_square);
    (AdamWState { weights, mean, mean_square }, is_finite)
}
