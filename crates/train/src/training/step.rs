//! One step of back-propagation, from a batch to updated weights.

use burn::module::Module;
use burn::optim::GradientsParams;
use qkv_model::Mode;

use super::batch::Batch;
use super::finite::NotFinite;
use super::loss::loss;
use super::observer::State;
use super::optimizer::{ModuleUpdate, Roles};
use super::parts::Parts;
use crate::error::{Quantity, TrainError};
use crate::model::Model;

/// The loss and the gradient that a step starts from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepOutcome {
    /// Mean cross-entropy of the batch, in nats.
    pub loss: f64,
    /// Norm of all gradients together, before clipping.
    pub grad_norm: f64,
}

/// The first half of a step.
#[derive(Debug)]
pub struct Backward {
    /// Mean cross-entropy of the batch, in nats; finite.
    pub loss: f64,
    /// Its derivative by every learned parameter, not yet clipped.
    pub gradients: GradientsParams,
}

impl<M: Model + Module> State<M> {
    /// Forward, loss, backward, clipping, update: everything that happens between two batches. The learning rate of the
    /// recipe is multiplied by `factor`, the schedule's for this step.
    ///
    /// # Errors
    /// If the model does not fit the batch or has no gradients; [`TrainError::Diverged`] if the loss, a gradient, a
    /// parameter or the optimizer's state is not finite, before the step or after it.
    pub fn step(self, parts: &Parts, batch: &Batch, factor: f64) -> Result<(Self, StepOutcome), TrainError> {
        let backward = self.backward(parts, batch)?;
        self.update(parts, backward, factor)
    }

    /// Forward, loss and backward.
    ///
    /// # Errors
    /// If the model does not fit the batch, has no gradients, or its loss is not finite.
    pub fn backward(&self, parts: &Parts, batch: &Batch) -> Result<Backward, TrainError> {
        let seed = parts.recipe.seed;
        let loss = loss(&self.model, batch, Mode::Train { seed, step: self.step })?;
        if !loss.device().is_autodiff() {
            return Err(TrainError::NoGradients);
        }
        let loss_value = loss.clone().into_scalar::<f64>();
        if let Some(loss) = NotFinite::number(Quantity::Loss, loss_value) {
            let cause = NotFinite::search(&self.model, &self.optimizer, None);
            return Err(cause.unwrap_or(loss).after(self.step));
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
        Ok(Backward { loss: loss_value, gradients })
    }

    /// Clipping and update.
    ///
    /// # Errors
    /// If a gradient is not finite, or a parameter or the optimizer's state, before the update or after it.
    pub fn update(
        self,
        parts: &Parts,
        backward: Backward,
        factor: f64,
    ) -> Result<(Self, StepOutcome), TrainError> {
        let Self { step, model, mut optimizer } = self;
        let Backward { loss, gradients } = backward;
        let update = ModuleUpdate {
            optimizer: &*parts.optimizer,
            learning_rate: parts.learning_rate(factor),
            clip: parts.recipe.optimizer.clip,
            roles: &Roles::of(&model),
        };
        let (model, grad_norm) = update.apply(&mut optimizer, model, gradients)?;
        Ok((Self { step: step + 1, model, optimizer }, StepOutcome { loss, grad_norm }))
    }

    /// # Errors
    /// If a parameter or the optimizer's state is not finite.
    pub(super) fn check_finite(&self) -> Result<(), TrainError> {
        let found = NotFinite::search(&self.model, &self.optimizer, None);
        found.map_or(Ok(()), |found| Err(found.after(self.step)))
    }
}
