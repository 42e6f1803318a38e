//! What a config can name, built-in things and yours; [`Registry`] has the list of their kinds.
//!
//! Here belongs how a name and its settings become a task or a model. What they are lies in `task/` and in `qkv-model`;
//! the parts of a training have their names in `training/parts.rs`.

mod built_in;
mod experiment;
mod model_parts;
mod observers;
mod parts;
mod reading;
mod runs;

pub use experiment::Experiment;
pub use observers::{AnyObserver, BuiltObservers, Notice, ObservedRun, RunObservers};
pub use reading::{ConfigSource, Reader, SettingsLeftOut};
pub use runs::SameRun;

use std::collections::BTreeMap;
use std::sync::Arc;

use qkv_model::{Catalog, Choice, Init, KnownNames, Named, Settings};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::TrainError;
use crate::memory::{ModelSizes, Passes};
use crate::model::{AnyModel, Model};
use crate::task::Task;
use crate::training::PartsCatalog;
use observers::NamedObserver;
use reading::is_name;

/// Everything that can be yours: what a config names, and what watches a run. [`Registry::new`] has the built-in things;
/// what you add works with every command that they work with: `qkv::run` of the command line's crate takes a registry.
///
/// | kind | is added by | is | is named by |
/// |---|---|---|---|
/// | task | [`task`](Self::task) | a [`Task`] | `task.name` |
/// | model | [`model`](Self::model) | a [`Model`] that a [`ModelConfig`] builds | `model.name` |
/// | attention layer | [`attention`](Self::attention) | an [`AttentionLayer`](qkv_model::AttentionLayer) | `model.layer` |
/// | score | [`score`](Self::score) | a [`Score`](qkv_model::Score) | `model.score` |
/// | position scheme | [`positions`](Self::positions) | [`Positions`](qkv_model::Positions) | `model.positions` |
/// | mask | [`mask`](Self::mask) | a [`MaskRule`](qkv_model::MaskRule) | `model.mask` |
/// | norm | [`norm`](Self::norm) | a [`Normalize`](qkv_model::Normalize) | `model.norm_kind` |
/// | activation | [`activation`](Self::activation) | an [`Activate`](qkv_model::Activate) | `model.activation` |
/// | loss | [`loss`](Self::loss) | a [`Loss`](crate::Loss) | `loss.name` |
/// | optimizer | [`optimizer`](Self::optimizer) | an [`Optimizer`](crate::Optimizer) | `optimizer.name` |
/// | schedule | [`schedule`](Self::schedule) | a [`Schedule`](crate::Schedule) | `schedule.kind` |
/// | metric | [`metric`](Self::metric) | a [`Metric`](crate::Metric) | `train.metrics` |
/// | observer | [`observer`](Self::observer) | an [`Observer`](crate::Observer) | nothing: it watches every run |
///
/// A name can be taken only once; the first that was taken twice is reported by the next use of the registry.
#[derive(Debug, Clone)]
pub struct Registry {
    catalog: Catalog,
    tasks: Named<BuildTask>,
    /// Of each task, the text of a config file.
    defaults: BTreeMap<String, String>,
    models: Named<FitModel>,
    parts: PartsCatalog,
    observers: Named<NamedObserver>,
}

type BuildTask = dyn Fn() -> Result<Arc<dyn Task>, TrainError>;

/// Fits the settings of a model to a task and to a size of a batch.
type FitModel = dyn FnOnce(&Choice, &dyn Task, usize, &Catalog) -> Result<Fitted, TrainError>;

/// A model that fits: its settings with everything filled in, what builds it, and its sizes.
struct Fitted {
    choice: Choice,
    build: Box<BuildModel>,
    sizes: Box<Sizes>,
}

type Sizes = dyn Fn(&Passes) -> Option<ModelSizes>;

type BuildModel = dyn Fn(&dyn Task, &Init) -> Result<AnyModel, TrainError>;

/// A kind of model that a config can name: its settings, and how it is built from them.
pub trait ModelConfig: Settings {
    /// What is built.
    type Model: Model;

    /// The same settings with everything filled in that follows from the task, and checked.
    ///
    /// # Errors
    /// If a number is out of range or does not fit the task, or a training step on `batch_size` examples cannot be held
    /// in memory at all.
    fn fit(self, task: &dyn Task, batch_size: usize, catalog: &Catalog) -> Result<Self, TrainError> {
        let _ = (task, batch_size, catalog);
        Ok(self)
    }

    /// The numbers that the model has and computes, from which the memory of a training is estimated; `None` unless
    /// overridden.
    fn sizes(&self, passes: &Passes) -> Option<ModelSizes> {
        let _ = passes;
        None
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
    /// Adds a task. `defaults` is the text of a config file without `task.name`, with a value for each of the task's
    /// settings and, where you like, for the model and the training; `build` makes the task from its settings.
    ///
    /// ```
    /// use qkv_train::{ConfigSource, Registry, Reverse};
    ///
    /// let defaults = "task.seq_len = 8\ntask.n_symbols = 2";
    /// let registry = Registry::new().task("bits", defaults, |task: &Reverse| Ok(task.clone()));
    /// let experiment = registry.read(ConfigSource::Task("bits"), &["train.steps=20"])?;
    /// assert_eq!(experiment.task.seq_len(), 8);
    /// # Ok::<(), qkv_train::TrainError>(())
    /// ```
    pub fn task<C: Serialize + DeserializeOwned + 'static, T: Task + 'static>(
        mut self,
        name: &str,
        defaults: &str,
        build: impl Fn(&C) -> Result<T, TrainError> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        self.tasks.add(name, move |settings: C| {
            let build = Arc::clone(&build);
            Box::new(move || {
                let task = build(&settings)?;
                task.check()?;
                Ok(Arc::new(task))
            })
        });
        self.defaults.insert(name.to_owned(), defaults.to_owned());
        self
    }

    /// Adds a task that is its own settings.
    fn own_settings<T>(self, name: &str, defaults: &str) -> Self
    where
        T: Task + Clone + Serialize + DeserializeOwned + 'static,
    {
        self.task(name, defaults, |task: &T| Ok(task.clone()))
    }

    /// Adds a kind of model.
    pub fn model<C: ModelConfig>(mut self, name: &str) -> Self {
        self.models.add(name, |settings: C| {
            Box::new(move |choice: &Choice, task: &dyn Task, batch_size, catalog: &Catalog| {
                let settings = settings.fit(task, batch_size, catalog)?;
                let choice = choice.with_settings(&settings);
                let (settings, catalog) = (Arc::new(settings), catalog.clone());
                let of_sizes = Arc::clone(&settings);
                let build: Box<BuildModel> =
                    Box::new(move |task, init| Ok(AnyModel::new(settings.build(task, init, &catalog)?)));
                Ok(Fitted { choice, build, sizes: Box::new(move |passes| of_sizes.sizes(passes)) })
            })
        });
        self
    }

    /// The names of the tasks, in alphabetical order.
    pub fn task_names(&self) -> impl Iterator<Item = &str> {
        self.tasks.names()
    }

    /// Everything that a config can name, kind by kind.
    ///
    /// ```
    /// let registry = qkv_train::Registry::new();
    /// let known = registry.known();
    /// let scores = known.iter().find(|known| known.kind == "score").expect("a model has a score");
    /// assert_eq!(scores.names, ["additive", "dot", "scaled-dot"]);
    /// ```
    pub fn known(&self) -> Vec<KnownNames<'_>> {
        let of_all =
            [vec![self.tasks.known(), self.models.known()], self.catalog.known(), self.parts.known()];
        of_all.concat()
    }

    /// Whether every name is taken only once, and a config can name it.
    ///
    /// # Errors
    /// If one is not, or would be read as a number, for example.
    pub fn check(&self) -> Result<(), TrainError> {
        self.catalog.check()?;
        self.tasks.check()?;
        self.models.check()?;
        self.parts.check()?;
        self.observers.check()?;
        for KnownNames { kind, names } in self.known() {
            if let Some(name) = names.into_iter().find(|name| !is_name(name)) {
                return Err(TrainError::NoNameInConfig { kind, name: name.to_owned() });
            }
        }
        Ok(())
    }

    /// Reads a config, overlays `settings` of the form `model.d_k=24`, fills in what is open, checks everything and
    /// builds the task.
    ///
    /// # Errors
    /// If a key or a name is unknown, a value has the wrong type or is out of range, or two of them do not fit each
    /// other.
    ///
    /// ```
    /// use qkv_train::{ConfigSource, Registry};
    ///
    /// let registry = Registry::new();
    /// let reverse = ConfigSource::Task("reverse");
    /// let experiment = registry.read(reverse, &["train.steps=20", "model.projections=none"])?;
    /// assert_eq!(experiment.config.train.steps, 20);
    ///
    /// let error = registry.read(reverse, &["model.d_modle=64"]).unwrap_err();
    /// assert_eq!(error.to_string(), "unknown key `model.d_modle`; did you mean `model.d_model`?");
    /// # Ok::<(), qkv_train::TrainError>(())
    /// ```
    pub fn read(
        &self,
        source: ConfigSource<'_>,
        settings: &[impl AsRef<str>],
    ) -> Result<Experiment, TrainError> {
        self.reader().read(source, settings)
    }

    /// For several configs, of which those with the same task share it.
    pub fn reader(&self) -> Reader<'_> {
        Reader { registry: self, tasks: BTreeMap::new() }
    }
}
