//! What stands behind a name in the registry: how settings become a task or a model of one type.

use std::marker::PhantomData;

use qkv_model::{Catalog, Choice, Init};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ModelConfig;
use crate::error::TrainError;
use crate::model::AnyModel;
use crate::task::Task;

/// A task under its name.
pub(crate) trait TaskEntry: Send + Sync {
    /// A config file's text; what it leaves out is as in [`Recipe::default`](crate::Recipe) and the model's defaults.
    fn defaults(&self) -> &str;
    /// Every key that its settings can have.
    fn keys(&self, choice: &Choice) -> Result<Vec<String>, TrainError>;
    /// Its settings with every default of its own filled in.
    fn complete(&self, choice: &Choice) -> Result<Choice, TrainError>;
    /// The task.
    fn build(&self, choice: &Choice) -> Result<Box<dyn Task>, TrainError>;
}

/// A task with settings `C`, made by `F`.
pub(crate) struct TaskOf<C, F> {
    defaults: String,
    build: F,
    settings: PhantomData<fn() -> C>,
}

impl<C, F> TaskOf<C, F> {
    pub(crate) fn new(defaults: &str, build: F) -> Self {
        Self { defaults: defaults.to_owned(), build, settings: PhantomData }
    }
}

impl<C, F, T> TaskEntry for TaskOf<C, F>
where
    C: Serialize + DeserializeOwned + 'static,
    F: Fn(&C) -> Result<T, TrainError> + Send + Sync,
    T: Task + 'static,
{
    fn defaults(&self) -> &str {
        &self.defaults
    }

    fn keys(&self, choice: &Choice) -> Result<Vec<String>, TrainError> {
        Ok(keys(&choice.read::<C>("task")?))
    }

    fn complete(&self, choice: &Choice) -> Result<Choice, TrainError> {
        Ok(choice.with_settings(&choice.read::<C>("task")?))
    }

    fn build(&self, choice: &Choice) -> Result<Box<dyn Task>, TrainError> {
        Ok(Box::new((self.build)(&choice.read("task")?)?))
    }
}

/// A kind of model under its name.
pub(crate) trait ModelEntry: Send + Sync {
    /// Every key that its settings can have.
    fn keys(&self, choice: &Choice) -> Result<Vec<String>, TrainError>;
    /// Its settings with everything filled in, checked against the task and the size of a batch.
    fn fit(
        &self,
        choice: &Choice,
        task: &dyn Task,
        catalog: &Catalog,
        batch_size: usize,
    ) -> Result<Choice, TrainError>;
    /// The model.
    fn build(
        &self,
        choice: &Choice,
        task: &dyn Task,
        init: &Init,
        catalog: &Catalog,
    ) -> Result<AnyModel, TrainError>;
}

/// A model with settings `C`.
pub(crate) struct ModelOf<C>(PhantomData<fn() -> C>);

impl<C> ModelOf<C> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<C: ModelConfig + 'static> ModelEntry for ModelOf<C> {
    fn keys(&self, choice: &Choice) -> Result<Vec<String>, TrainError> {
        Ok(keys(&choice.read::<C>("model")?))
    }

    fn fit(
        &self,
        choice: &Choice,
        task: &dyn Task,
        catalog: &Catalog,
        batch_size: usize,
    ) -> Result<Choice, TrainError> {
        let settings = choice.read::<C>("model")?.fit(task, catalog)?;
        settings.check_batch(batch_size)?;
        Ok(choice.with_settings(&settings))
    }

    fn build(
        &self,
        choice: &Choice,
        task: &dyn Task,
        init: &Init,
        catalog: &Catalog,
    ) -> Result<AnyModel, TrainError> {
        let model = choice.read::<C>("model")?.build(task, init, catalog)?;
        Ok(AnyModel::new(model))
    }
}

/// The fields of a struct, those that are `None` too.
fn keys(settings: &impl Serialize) -> Vec<String> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(settings)) => settings.into_iter().map(|(key, _)| key).collect(),
        other => panic!("settings are a struct of numbers and names, got {other:?}"),
    }
}
