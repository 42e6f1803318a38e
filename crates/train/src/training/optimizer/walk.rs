//! One update of a whole module: the gradients are clipped by their common norm, and each parameter is updated.

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use qkv_model::ModulePath;
use qkv_model::fused::{AllFinite, supports};

use super::gradient::Gradient;
use super::parameter::{ParameterInfo, Roles};
use super::state::{OptimizerState, StateTensors};
use super::{Optimizer, Update, Updated};
use crate::error::{Quantity, TrainError};
use crate::training::clip::{clip_factor, global_norm};
use crate::training::finite::NotFinite;

/// What one update of a module is made with.
#[derive(Debug, Clone, Copy)]
pub struct ModuleUpdate<'a> {
    /// The rule.
    pub optimizer: &'a dyn Optimizer,
    /// The rate of this step.
    pub learning_rate: f64,
    /// Largest norm of all gradients together; 0 turns clipping off.
    pub clip: f64,
    /// Which parameters are no maps.
    pub roles: &'a Roles,
}

impl ModuleUpdate<'_> {
    /// Updates every parameter that has a gradient, and `state`. Returns the norm of the gradients before clipping,
    /// too.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] with the first gradient, parameter or tensor of the state that is not finite, before
    /// the update or after it.
    pub fn apply<M: Module>(
        &self,
        state: &mut OptimizerState,
        module: M,
        gradients: GradientsParams,
    ) -> Result<(M, f64), TrainError> {
        let norm = global_norm(&module, &gradients);
        if let Some(of_norm) = NotFinite::number(Quantity::GradientNorm, norm) {
            let cause = NotFinite::search(&module, state, Some(&gradients));
            return Err(cause.unwrap_or(of_norm).after(state.step));
        }
        let step_before = state.step;
        state.step += 1;
        let factor = clip_factor(norm, self.clip);
        let (path, not_finite, untested) = (ModulePath::default(), None, Vec::new());
        let mut walk = Walk { update: *self, state, gradients, factor, path, not_finite, untested };
        let module = module.map(&mut walk);
        match walk.first_not_finite() {
            None => Ok((module, norm)),
            Some(found) => Err(found.after(step_before)),
        }
    }
}

struct Walk<'a> {
    update: ModuleUpdate<'a>,
    state: &'a mut OptimizerState,
    gradients: GradientsParams,
    /// What gradients are clipped by.
    factor: f64,
    path: ModulePath,
    /// The first that was found; what follows is not updated.
    not_finite: Option<NotFinite>,
    /// Parameters outside host memory, whose new weights and state are tested after all of them.
    untested: Vec<(String, Tensor<1>)>,
}

impl ModuleMapper for Walk<'_> {
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
        let parameter = ParameterInfo {
            path: self.path.names().join("."),
            shape: param.dims().to_vec(),
            kind: self.update.roles.kind(param.id, D),
        };
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            self.keep(&parameter, &param);
            return param;
        };
        param.map(|weights| {
            let is_learned = weights.is_require_grad();
            let weights = Tensor::from_inner(self.updated(&parameter, weights.inner(), gradient));
            if is_learned { weights.require_grad() } else { weights }
        })
    }
}

impl Walk<'_> {
    fn first_not_finite(self) -> Option<NotFinite> {
        if self.not_finite.is_some() {
            return self.not_finite;
        }
        let tensors = &self.state.tensors;
        let all = self
            .untested
            .iter()
            .fold(AllFinite::default(), |all, (path, weights)| tensors[path].and_finite(all.and(weights)));
        if all.value() {
            return None;
        }
        self.untested.iter().find_map(|(path, weights)| NotFinite::in_update(path, weights, &tensors[path]))
    }

    /// A parameter without a gradient stays what it is, and what that is may be NaN. If it is learned, it has a state,
    /// so that a checkpoint that lacks one is not whole.
    fn keep<const D: usize>(&mut self, parameter: &ParameterInfo, param: &Param<Tensor<D>>) {
        let (path, value) = (&parameter.path, param.val());
        if param.is_require_grad() && !self.state.tensors.contains_key(path) {
            let zeros = self.zeros(parameter, &value.clone().inner());
            self.state.tensors.insert(path.clone(), zeros);
        }
        let in_state = || NotFinite::in_state(path, self.state.tensors.get(path)?);
        self.not_finite = NotFinite::in_tensor(Quantity::Parameter, path, &value).or_else(in_state);
    }

    fn zeros<const D: usize>(&self, parameter: &ParameterInfo, weights: &Tensor<D>) -> StateTensors {
        StateTensors::zeros(self.update.optimizer, parameter, (&weights.device(), weights.dtype()))
    }

    fn updated<const D: usize>(
        &mut self,
        parameter: &ParameterInfo,
        weights: Tensor<D>,
        gradient: Tensor<D>,
    ) -> Tensor<D> {
        let ModuleUpdate { optimizer, learning_rate, .. } = self.update;
        let (path, n, shape, dtype) = (&parameter.path, parameter.n(), weights.dims(), weights.dtype());
        let state = self.state.tensors.remove(path);
        let mut state = state.unwrap_or_else(|| self.zeros(parameter, &weights));
        let update = Update { parameter, step: self.state.step, learning_rate };
        let gradient = Gradient::new(gradient.reshape([n]), self.factor);
        let Updated { weights, is_finite } =
            optimizer.update(&update, weights.reshape([n]), gradient, &mut state);
        state.assert_whole(optimizer, parameter, dtype);
        let ([got], precision) = (weights.dims(), weights.dtype());
        assert!(
            (got, precision) == (n, dtype),
            "{optimizer:?} made {got} weights of {precision:?} of `{path}`, expected {n} of {dtype:?}; return as many \
             as `update` gets, in their precision"
        );
        if is_finite.is_none() && !supports(&weights) {
            self.untested.push((path.clone(), weights.clone()));
        } else if !is_finite.unwrap_or_else(|| state.and_finite(AllFinite::default().and(&weights)).value()) {
            self.not_finite = NotFinite::in_update(path, &weights, &state);
        }
        self.state.tensors.insert(path.clone(), state);
        weights.reshape(shape)
    }
}
