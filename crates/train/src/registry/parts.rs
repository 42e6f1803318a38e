//! The parts of a training that a registry can name beside its model and its task.

use qkv_model::Settings;

use super::Registry;
use crate::error::TrainError;
use crate::training::Optimizer;

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
}
