//! The parts of a training that a registry can name beside its model and its task.

use qkv_model::Settings;

use super::Registry;
use crate::error::TrainError;
use crate::measure::Metric;
use crate::training::{Loss, Optimizer, Schedule};

impl Registry {
    /// Adds an optimizer: the settings beside its name in the table `[optimizer]` become an [`Optimizer`].
    ///
    /// ```
    /// use burn::tensor::Tensor;
    /// use qkv_model::NoSettings;
    /// use qkv_train::{
    ///     ConfigSource, Gradient, Optimizer, ParameterInfo, Registry, StateTensor, StateTensors, TrainError, Update,
    ///     Updated,
    /// };
    ///
    /// /// Steps of one length, whatever the gradient is.
    /// #[derive(Debug)]
    /// struct SignDescent;
    ///
    /// impl Optimizer for SignDescent {
    ///     fn state(&self, _: &ParameterInfo) -> Vec<StateTensor> {
    ///         Vec::new()
    ///     }
    ///
    ///     fn update(&self, update: &Update<'_>, w: Tensor<1>, g: Gradient, _: &mut StateTensors) -> Updated {
    ///         Updated::from(w - g.clipped().sign().mul_scalar(update.learning_rate))
    ///     }
    /// }
    ///
    /// let registry = Registry::new().optimizer("sign", |_: &NoSettings| Ok(SignDescent));
    /// let experiment = registry.read(ConfigSource::Task("reverse"), &["optimizer.name=sign", "optimizer.lr=1e-3"])?;
    /// assert_eq!(format!("{:?}", experiment.parts.optimizer), "SignDescent");
    /// # Ok::<(), TrainError>(())
    /// ```
    ///
    /// Its settings have no field `name`, `lr` or `clip`, which belong to all. A setting that is out of range is best
    /// refused with [`TrainError::check_number`].
    pub fn optimizer<C: Settings, O: Optimizer + 'static>(
        self,
        name: &str,
        build: impl Fn(&C) -> Result<O, TrainError> + Send + Sync + 'static,
    ) -> Self {
        Self { parts: self.parts.optimizer(name, build), ..self }
    }

    /// Adds a schedule: the settings beside its name in the table `[schedule]` become a [`Schedule`].
    ///
    /// ```
    /// use qkv_train::{ConfigSource, Registry, Schedule, TrainError};
    /// use serde::{Deserialize, Serialize};
    ///
    /// /// Another rate after every `period` steps.
    /// #[derive(Debug, Clone, Serialize, Deserialize)]
    /// #[serde(default, deny_unknown_fields)]
    /// struct Staircase {
    ///     period: u64,
    /// }
    ///
    /// impl Default for Staircase {
    ///     fn default() -> Self {
    ///         Self { period: 100 }
    ///     }
    /// }
    ///
    /// impl Schedule for Staircase {
    ///     fn factor(&self, step: u64, _steps: u64) -> f64 {
    ///         0.5_f64.powi((step / self.period) as i32)
    ///     }
    /// }
    ///
    /// let registry = Registry::new().schedule("staircase", |stairs: &Staircase| Ok(stairs.clone()));
    /// let settings = ["schedule=staircase", "schedule.period=20"];
    /// let experiment = registry.read(ConfigSource::Task("reverse"), &settings)?;
    /// assert_eq!(experiment.parts.factor(40)?, 0.25);
    /// # Ok::<(), TrainError>(())
    /// ```
    ///
    /// Its settings have no field `kind` or `name`. A setting that is out of range is best refused with
    /// [`TrainError::check_number`].
    pub fn schedule<C: Settings, S: Schedule + 'static>(
        self,
        name: &str,
        build: impl Fn(&C) -> Result<S, TrainError> + Send + Sync + 'static,
    ) -> Self {
        Self { parts: self.parts.schedule(name, build), ..self }
    }

    /// Adds a loss: the settings beside its name in the table `[loss]` become a [`Loss`].
    ///
    /// ```
    /// use qkv_model::NoSettings;
    /// use qkv_train::{ConfigSource, Loss, LossValue, Prediction, Registry, TrainError};
    ///
    /// /// The margin by which the right answer misses a lead of 1 over the mean of all.
    /// #[derive(Debug)]
    /// struct Hinge;
    ///
    /// impl Loss for Hinge {
    ///     fn value(&self, Prediction { logits, batch, .. }: Prediction<'_>) -> LossValue {
    ///         let mean = logits.clone().mean_dim(1);
    ///         let answers = logits.gather(1, batch.targets.clone().unsqueeze_dim(1));
    ///         LossValue::from((mean - answers).add_scalar(1.0).clamp_min(0.0).mean())
    ///     }
    /// }
    ///
    /// let registry = Registry::new().loss("hinge", |_: &NoSettings| Ok(Hinge));
    /// let experiment = registry.read(ConfigSource::Task("reverse"), &["loss=hinge"])?;
    /// assert_eq!(format!("{:?}", experiment.parts.loss), "Hinge");
    /// # Ok::<(), TrainError>(())
    /// ```
    pub fn loss<C: Settings, L: Loss + 'static>(
        self,
        name: &str,
        build: impl Fn(&C) -> Result<L, TrainError> + Send + Sync + 'static,
    ) -> Self {
        Self { parts: self.parts.loss(name, build), ..self }
    }

    /// Adds a metric: an entry of `train.metrics` of this name, with its settings in a table, becomes a [`Metric`],
    /// which has an example.
    pub fn metric<C: Settings, M: Metric + 'static>(
        self,
        name: &str,
        build: impl Fn(&C) -> Result<M, TrainError> + Send + Sync + 'static,
    ) -> Self {
        Self { parts: self.parts.metric(name, build), ..self }
    }
}
