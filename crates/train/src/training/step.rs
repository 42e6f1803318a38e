//! One step of back-propagation, from a batch to updated weights.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use qkv_model::Mode;

use super::batch::Batch;
use super::finite::NotFinite;
use super::loss::{LossValue, Prediction};
use super::observer::State;
use super::optimizer::{ModuleUpdate, Roles};
use super::parts::Parts;
use crate::error::{PartFault, Quantity, TrainError};
use crate::model::Model;

/// The loss and the gradient that a step starts from.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutcome {
    /// The loss of the batch.
    pub loss: f64,
    /// Its named parts.
    pub loss_parts: BTreeMap<String, f64>,
    /// Norm of all gradients together, before clipping.
    pub grad_norm: f64,
}

/// The first half of a step.
#[derive(Debug)]
pub struct Backward {
    /// The loss of the batch; finite.
    pub loss: f64,
    /// Its named parts.
    pub loss_parts: BTreeMap<String, f64>,
    /// Its derivative by every learned parameter, not yet clipped.
    pub gradients: GradientsParams,
}

/// A loss of one number, before its backward.
pub(super) struct Numbers {
    /// Finite or not.
    pub(super) loss: f64,
    total: Tensor<1>,
    parts: BTreeMap<String, Tensor<1>>,
}

impl Numbers {
    /// # Errors
    /// If the loss or a part of it is not one number, or the loss has no gradients.
    pub(super) fn of(loss: LossValue) -> Result<Self, TrainError> {
        let LossValue { total, parts } = loss;
        for (name, number) in parts.iter().map(|(name, part)| (&**name, part)).chain([("total", &total)]) {
            let [n_values] = number.dims();
            if n_values != 1 {
                return Err(PartFault::LossShape { name: name.to_owned(), n_values }.into());
            }
        }
        if !total.device().is_autodiff() {
            return Err(TrainError::NoGradients);
        }
        Ok(Self { loss: total.clone().into_scalar::<f64>(), total, parts })
    }

    pub(super) fn backward(self, model: &impl Module) -> Backward {
        let Self { loss, total, parts } = self;
        let loss_parts = parts.into_iter().map(|(name, part)| (name, part.into_scalar::<f64>())).collect();
        let gradients = GradientsParams::from_grads(total.backward(), model);
        Backward { loss, loss_parts, gradients }
    }
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
        self.backward_from(self.loss_of(parts, batch, 0)?)
    }

    /// The loss of a batch, or of the part of one that begins with `first_example`.
    pub(super) fn loss_of(
        &self,
        parts: &Parts,
        batch: &Batch,
        first_example: u64,
    ) -> Result<LossValue, TrainError> {
        let mode = Mode::Train { seed: parts.recipe.seed, step: self.step, first_example };
        Ok(parts.loss.value(Prediction::new(&self.model, batch, mode, parts.loss.inputs())?))
    }

    /// Backward from any loss of the model, in a loop of your own:
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use qkv_model::{Init, Mode, TransformerConfig};
    /// use qkv_train::{Batch, CrossEntropy, Examples, Loss, LossInputs, OptimizerState, Parts};
    /// use qkv_train::{Prediction, Recipe, Reverse, Split, State, TrainError};
    ///
    /// let (device, task) = (Device::flex().autodiff(), Reverse { seq_len: 4, n_symbols: 3 });
    /// let examples = Examples { task: &task, seed: 0, split: Split::Train };
    /// let model = TransformerConfig::new(3, 4, 16).init(&Init::new(&device, 0))?;
    /// let mut state = State { step: 0, model, optimizer: OptimizerState::default() };
    /// let parts = Parts::new(Recipe::default())?;
    /// let mut losses = Vec::new();
    /// while state.step < 200 {
    ///     let batch = Batch::draw(examples, state.step * 32, 32, &device)?;
    ///     let mode = Mode::Train { seed: 0, step: state.step, first_example: 0 };
    ///     let prediction = Prediction::new(&state.model, &batch, mode, LossInputs::default())?;
    ///     let penalty = prediction.logits.clone().square().mean().mul_scalar(1e-3);
    ///     let loss = CrossEntropy.value(prediction).total + penalty;
    ///     let backward = state.backward_from(loss.into())?;
    ///     let outcome;
    ///     (state, outcome) = state.update(&parts, backward, 1.0)?;
    ///     losses.push(outcome.loss);
    /// }
    /// assert!(losses[199] < losses[0] / 2.0, "{losses:?}");
    /// # Ok::<(), TrainError>(())
    /// ```
    ///
    /// # Errors
    /// If the loss is not one number, has no gradients, or is not finite.
    pub fn backward_from(&self, loss: LossValue) -> Result<Backward, TrainError> {
        let numbers = Numbers::of(loss)?;
        if let Some(loss) = NotFinite::number(Quantity::Loss, numbers.loss) {
            let cause = NotFinite::search(&self.model, &self.optimizer, None);
            return Err(cause.unwrap_or(loss).after(self.step));
        }
        Ok(numbers.backward(&self.model))
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
        let Backward { loss, loss_parts, gradients } = backward;
        let update = ModuleUpdate {
            optimizer: &*parts.optimizer,
            learning_rate: parts.learning_rate(factor),
            clip: parts.recipe.optimizer.clip,
            roles: &Roles::of(&model),
        };
        let (model, grad_norm) = update.apply(&mut optimizer, model, gradients)?;
        Ok((Self { step: step + 1, model, optimizer }, StepOutcome { loss, loss_parts, grad_norm }))
    }

    /// # Errors
    /// If a parameter or the optimizer's state is not finite.
    pub(super) fn check_finite(&self) -> Result<(), TrainError> {
        let found = NotFinite::search(&self.model, &self.optimizer, None);
        found.map_or(Ok(()), |found| Err(found.after(self.step)))
    }
}
