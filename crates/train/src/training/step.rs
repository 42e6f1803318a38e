//! One step of back-propagation, from a batch to updated weights.

use burn::module::Module;
use burn::optim::GradientsParams;
use qkv_model::Mode;

use super::batch::Batch;
use super::loss::loss;
use super::observer::State;
use crate::error::TrainError;
use crate::model::Model;

/// The loss and the gradient that a step starts from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepOutcome {
    /// Mean cross-entropy of the batch, in nats.
    pub loss: f64,
    /// Norm of all gradients together, before clipping.
    pub grad_norm: f64,
}

impl<M: Model + Module> State<M> {
    /// Forward, loss, backward, clipping, update: everything that happens between two batches. The optimizer's learning
    /// rate is multiplied by `factor`, the schedule's for this step.
    ///
    /// # Errors
    /// If the model does not fit the batch, has no gradients, or the loss or a gradient is not finite.
    pub fn step(self, batch: &Batch, factor: f64, seed: u64) -> Result<(Self, StepOutcome), TrainError> {
        self.step_watched(batch, factor, seed, |_, _| Ok(()))
    }

    /// The same; `watch` sees the gradients before they are clipped, and the state that the update starts from.
    ///
    /// # Errors
    /// As [`step`](Self::step), or if `watch` fails.
    pub fn step_watched(
        mut self,
        batch: &Batch,
        factor: f64,
        seed: u64,
        watch: impl FnOnce(&Self, &GradientsParams) -> Result<(), TrainError>,
    ) -> Result<(Self, StepOutcome), TrainError> {
        let loss = loss(&self.model, batch, Mode::Train { seed, step: self.step })?;
        if !loss.device().is_autodiff() {
            return Err(TrainError::NoGradients);
        }
        let loss_value = loss.clone().into_scalar::<f64>();
        let grads = GradientsParams::from_grads(loss.backward(), &self.model);
        watch(&self, &grads)?;
        TrainError::finite(self.step, "the loss", loss_value)?;
        let tables = self.model.tables();
        let grad_norm;
        (self.model, grad_norm) = self.optimizer.update(factor, &tables, self.model, grads);
        TrainError::finite(self.step, "the norm of the gradient", grad_norm)?;
        self.step += 1;
        Ok((self, StepOutcome { loss: loss_value, grad_norm }))
    }
}
