//! What a config can name: tasks, models, scores and position schemes, built-in ones and yours.
//!
//! Here belongs how a name and its settings become a task or a model. What they are lies in `task/` and in `qkv-model`.

mod entry;
mod read;
mod transformer;

pub use read::ConfigSource;

use std::collections::BTreeMap;
use std::sync::Arc;

use qkv_model::{Catalog, Choice, Init, ModelError, Positions, Score, Settings, TransformerConfig};
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

use self::entry::{ModelEntry, ModelOf, TaskEntry, TaskOf};
use crate::config::Config;
use crate::error::TrainError;
use crate::model::{AnyModel, Model};
use crate::task::{
    CharsConfig, Copy, Induction, Max, ModularAddition, Recall, Reverse, Sort, SortedList, Task,
};

/// Everything that a config can name. [`Registry::new`] has the built-in things; what you add works with every command
/// that they work with: `qkv::run` of the command line's crate takes a registry.
///
/// A name can be taken only once; the first that was taken twice is reported by whatever uses the registry next.
///
/// ```
/// use qkv_model::random::Rng;
/// use qkv_train::{ConfigSource, Registry, Task};
/// use rand::RngExt;
/// use serde::{Deserialize, Serialize};
///
/// /// Is the number of ones odd? Asked at the last position.
/// #[derive(Debug, Clone, Serialize, Deserialize)]
/// struct Parity {
///     seq_len: usize,
/// }
///
/// impl Task for Parity {
///     fn name(&self) -> &str {
///         "parity"
///     }
///     fn summary(&self) -> String {
///         format!("is the number of ones among {} odd?", self.seq_len)
///     }
///     fn vocabulary(&self) -> Vec<String> {
///         vec!["0".to_owned(), "1".to_owned()]
///     }
///     fn seq_len(&self) -> usize {
///         self.seq_len
///     }
///     fn sample(&self, rng: &mut Rng) -> Vec<u32> {
///         (0..self.seq_len).map(|_| rng.random_range(0..2)).collect()
///     }
///     fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
///         let mut targets = vec![None; self.seq_len - 1];
///         targets.push(Some(tokens.iter().sum::<u32>() % 2));
///         targets
///     }
/// }
///
/// let registry =
///     Registry::new().task("parity", "task.seq_len = 8", |parity: &Parity| Ok(parity.clone()));
/// let config = ConfigSource::Task("parity").read(&registry, &["train.steps=20"])?;
/// assert_eq!(registry.task_of(&config)?.seq_len(), 8);
/// # Ok::<(), qkv_train::TrainError>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    catalog: Catalog,
    tasks: BTreeMap<String, Arc<dyn TaskEntry>>,
    models: BTreeMap<String, Arc<dyn ModelEntry>>,
    /// What was registered under a name that was taken, and the name.
    refused: Option<(&'static str, String)>,
}

/// A kind of model that a config can name: its settings, and how it is built from them.
pub trait ModelConfig: Settings {
    /// What is built.
    type Model: Model;

    /// The same settings with everything filled in that follows from the task, and checked.
    ///
    /// # Errors
    /// If a number is out of range or does not fit the task.
    fn fit(self, task: &dyn Task, catalog: &Catalog) -> Result<Self, TrainError> {
        let _ = (task, catalog);
        Ok(self)
    }

    /// Whether a training step on this many examples can be held in memory at all.
    ///
    /// # Errors
    /// If it is out of range.
    fn check_batch(&self, batch_size: usize) -> Result<(), TrainError> {
        let _ = batch_size;
        Ok(())
    }

    /// Builds the model.
    ///
    /// # Errors
    /// If the settings do not fit each other.
    fn build(&self, task: &dyn Task, init: &Init, catalog: &Catalog) -> Result<Self::Model, TrainError>;
}

/// The model of a config that names none.
pub(crate) const TRANSFORMER: &str = "transformer";

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// The built-in tasks, models, scores and position schemes.
    pub fn new() -> Self {
        let empty = Self {
            catalog: Catalog::default(),
            tasks: BTreeMap::new(),
            models: BTreeMap::new(),
            refused: None,
        };
        empty
            .model::<TransformerConfig>(TRANSFORMER)
            .task("chars", include_str!("../../configs/chars.toml"), CharsConfig::load)
            .task("copy", include_str!("../../configs/copy.toml"), checked(Copy::check))
            .task("induction", include_str!("../../configs/induction.toml"), checked(Induction::check))
            .task("max", include_str!("../../configs/max.toml"), checked(Max::check))
            .task(
                "modular-addition",
                include_str!("../../configs/modular-addition.toml"),
                checked(ModularAddition::check),
            )
            .task("recall", include_str!("../../configs/recall.toml"), checked(Recall::check))
            .task(
                "recall-interleaved",
                include_str!("../../configs/recall-interleaved.toml"),
                checked(Recall::check),
            )
            .task("reverse", include_str!("../../configs/reverse.toml"), checked(Reverse::check))
            .task("sort", include_str!("../../configs/sort.toml"), checked(Sort::check))
            .task("sorted-list", include_str!("../../configs/sorted-list.toml"), checked(SortedList::check))
    }

    /// Adds a score; see [`Catalog::score`].
    pub fn score<C: Settings, S: Score>(
        self,
        name: &str,
        build: impl Fn(&C, &Init, qkv_model::HeadShape) -> Result<S, ModelError> + Send + Sync + 'static,
    ) -> Self {
        let catalog = self.catalog.clone().score(name, build);
        self.with_catalog("score", name, catalog)
    }

    /// Adds a position scheme; see [`Catalog::positions`].
    pub fn positions<C: Settings, P: Positions>(
        self,
        name: &str,
        build: impl Fn(&C, &Init, qkv_model::Place) -> Result<Option<P>, ModelError> + Send + Sync + 'static,
    ) -> Self {
        let catalog = self.catalog.clone().positions(name, build);
        self.with_catalog("position scheme", name, catalog)
    }

    /// Adds a task. `defaults` is the text of a config file without `task.name`, with a value for each of the task's
    /// settings and, where you like, for the model and the training; `build` makes the task from its settings.
    pub fn task<C: Serialize + DeserializeOwned + 'static, T: Task + 'static>(
        mut self,
        name: &str,
        defaults: &str,
        build: impl Fn(&C) -> Result<T, TrainError> + Send + Sync + 'static,
    ) -> Self {
        if self.tasks.contains_key(name) {
            return self.refuse("task", name);
        }
        self.tasks.insert(name.to_owned(), Arc::new(TaskOf::new(defaults, build)));
        self
    }

    /// Adds a kind of model.
    pub fn model<C: ModelConfig + 'static>(mut self, name: &str) -> Self {
        if self.models.contains_key(name) {
            return self.refuse("model", name);
        }
        self.models.insert(name.to_owned(), Arc::new(ModelOf::<C>::new()));
        self
    }

    /// The names of the tasks, in alphabetical order.
    pub fn task_names(&self) -> impl Iterator<Item = &str> {
        self.tasks.keys().map(String::as_str)
    }

    /// Whether every name is taken only once.
    ///
    /// # Errors
    /// If one is not.
    pub fn check(&self) -> Result<(), TrainError> {
        match &self.refused {
            None => Ok(()),
            Some((kind, name)) => Err(ModelError::NameTaken { kind, name: name.clone() }.into()),
        }
    }

    /// The task of a config.
    ///
    /// # Errors
    /// If there is none of this name, or one of its settings is out of range.
    pub fn task_of(&self, config: &Config) -> Result<Box<dyn Task>, TrainError> {
        self.build_task(&config.task)
    }

    /// The model of a config, with its initial weights.
    ///
    /// # Errors
    /// If there is none of this name, or it does not fit the task.
    pub fn model_of(&self, config: &Config, task: &dyn Task, init: &Init) -> Result<AnyModel, TrainError> {
        self.model_entry(&config.model)?.build(&config.model, task, init, &self.catalog)
    }

    pub(crate) fn build_task(&self, choice: &Choice) -> Result<Box<dyn Task>, TrainError> {
        self.task_entry(&choice.name)?.build(choice)
    }

    /// The task's settings with every default of its own filled in.
    pub(crate) fn complete_task(&self, choice: &Choice) -> Result<Choice, TrainError> {
        self.task_entry(&choice.name)?.complete(choice)
    }

    /// Every key that the settings of a task can have.
    pub(crate) fn task_keys(&self, choice: &Choice) -> Result<Vec<String>, TrainError> {
        self.task_entry(&choice.name)?.keys(choice)
    }

    /// Every key that the settings of a model can have.
    pub(crate) fn model_keys(&self, choice: &Choice) -> Result<Vec<String>, TrainError> {
        self.model_entry(choice)?.keys(choice)
    }

    /// The model's settings with everything filled in, checked against the task and the size of a batch.
    pub(crate) fn fit_model(
        &self,
        choice: &Choice,
        task: &dyn Task,
        batch_size: usize,
    ) -> Result<Choice, TrainError> {
        self.model_entry(choice)?.fit(choice, task, &self.catalog, batch_size)
    }

    /// The defaults of a task, as a config.
    pub(crate) fn defaults(&self, task: &str) -> Result<Table, TrainError> {
        let text = self.task_entry(task)?.defaults();
        text.parse().map_err(|error| {
            TrainError::Config(format!("the defaults of the task `{task}` are no TOML: {error}"))
        })
    }

    fn task_entry(&self, name: &str) -> Result<&dyn TaskEntry, TrainError> {
        self.check()?;
        self.tasks.get(name).map(Arc::as_ref).ok_or_else(|| TrainError::UnknownTask {
            name: name.to_owned(),
            known: self.task_names().map(str::to_owned).collect(),
        })
    }

    fn model_entry(&self, choice: &Choice) -> Result<&dyn ModelEntry, TrainError> {
        self.check()?;
        let unknown = || ModelError::Unknown {
            kind: "model",
            name: choice.name.clone(),
            known: self.models.keys().cloned().collect(),
        };
        Ok(self.models.get(&choice.name).map(Arc::as_ref).ok_or_else(unknown)?)
    }

    fn with_catalog(mut self, kind: &'static str, name: &str, catalog: Result<Catalog, ModelError>) -> Self {
        match catalog {
            Ok(catalog) => self.catalog = catalog,
            Err(_) => return self.refuse(kind, name),
        }
        self
    }

    fn refuse(mut self, kind: &'static str, name: &str) -> Self {
        self.refused.get_or_insert_with(|| (kind, name.to_owned()));
        self
    }
}

/// A task that is its own settings.
fn checked<T: Clone>(check: impl Fn(&T) -> Result<(), TrainError>) -> impl Fn(&T) -> Result<T, TrainError> {
    move |task| check(task).map(|()| task.clone())
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("parts", &self.catalog)
            .field("tasks", &self.tasks.keys())
            .field("models", &self.models.keys())
            .finish()
    }
}
