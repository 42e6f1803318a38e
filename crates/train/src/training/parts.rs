//! What the names of a recipe stand for, built-in and yours.

use std::sync::Arc;

use qkv_model::{Choice, KnownNames, ModelError, Named, NoSettings, Ready, Settings, WrongValue};

use super::loss::{CrossEntropy, LabelSmoothing, Loss, MeanSquaredError};
use super::optimizer::{Adam, AdamW, Lion, Muon, Optimizer, Sgd};
use super::schedule::{Constant, Cosine, InverseSquareRoot, Linear, Schedule, WarmupStableDecay};
use crate::config::{
    ACCURACY, ADAM_W, COMMON_SETTINGS, CONSTANT, COSINE, CROSS_ENTROPY, KIND, Recipe, SEQUENCE_ACCURACY,
};
use crate::error::{PartFault, TrainError};
use crate::measure::{Accuracy, Bleu, Measures, Metric, SequenceAccuracy, SliceLoss};

/// Everything that a training is made of, beside its model and its task: the numbers of a recipe, and what the names in
/// it stand for.
///
/// A type of your own takes the place of a built-in one here, or by a name in the [`Registry`](crate::Registry):
///
/// ```
/// use std::sync::Arc;
///
/// use qkv_train::{AdamW, Parts, Recipe};
///
/// let optimizer = Arc::new(AdamW { weight_decay: 0.0, ..AdamW::default() });
/// let parts = Parts { optimizer, ..Parts::new(Recipe::default())? };
/// assert_eq!(parts.recipe.optimizer.lr, 5e-3);
/// # Ok::<(), qkv_train::TrainError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Parts {
    /// With every setting filled in.
    pub recipe: Recipe,
    /// What [`OptimizerConfig::rule`](crate::OptimizerConfig::rule) names.
    pub optimizer: Arc<dyn Optimizer>,
    /// What [`ScheduleConfig::shape`](crate::ScheduleConfig::shape) names.
    pub schedule: Arc<dyn Schedule>,
    /// What [`Recipe::loss`] names.
    pub loss: Arc<dyn Loss>,
    /// What [`TrainConfig::metrics`](crate::TrainConfig::metrics) names.
    pub metrics: Vec<Arc<dyn Metric>>,
}

impl Parts {
    /// Those of a recipe whose names are built in.
    ///
    /// # Errors
    /// If a name is unknown, or a number is out of range.
    pub fn new(recipe: Recipe) -> Result<Self, TrainError> {
        PartsCatalog::default().parts(recipe)
    }

    /// What the schedule gives for the update after `step` completed steps.
    ///
    /// # Errors
    /// If it is negative or not finite.
    pub fn factor(&self, step: u64) -> Result<f64, TrainError> {
        let factor = self.schedule.factor(step, self.recipe.train.steps);
        if factor.is_finite() && factor >= 0.0 {
            return Ok(factor);
        }
        let name = self.recipe.schedule.shape.name.clone();
        Err(PartFault::ScheduleFactor { name, step, steps: self.recipe.train.steps, factor }.into())
    }

    /// The learning rate of a step at which the schedule gives `factor`.
    pub fn learning_rate(&self, factor: f64) -> f64 {
        self.recipe.optimizer.lr * factor
    }

    /// What an evaluation measures.
    pub fn measures(&self) -> Measures<'_> {
        Measures { loss: &*self.loss, metrics: &self.metrics }
    }
}

/// What a recipe can name. [`PartsCatalog::default`] has what is built in.
///
/// | optimizer | type | settings, beside `lr` and `clip` |
/// |---|---|---|
/// | `adam` | [`Adam`] | `beta_1`, `beta_2`, `epsilon`, `weight_decay` |
/// | `adam-w` | [`AdamW`] | the same |
/// | `lion` | [`Lion`] | `beta_1`, `beta_2`, `weight_decay` |
/// | `muon` | [`Muon`] | `momentum`, `nesterov`, `weight_decay`, `newton_schulz_steps`, `adjust_lr`, `adam_w_share`, … |
/// | `sgd` | [`Sgd`] | `momentum`, `nesterov`, `weight_decay` |
///
/// | schedule | type | settings |
/// |---|---|---|
/// | `constant` | [`Constant`] | `warmup_steps` |
/// | `cosine` | [`Cosine`] | `warmup_steps`, `final_factor` |
/// | `inverse-square-root` | [`InverseSquareRoot`] | `warmup_steps` |
/// | `linear` | [`Linear`] | `warmup_steps`, `final_factor` |
/// | `warmup-stable-decay` | [`WarmupStableDecay`] | `warmup_steps`, `decay_share`, `final_factor` |
///
/// | loss | type | settings |
/// |---|---|---|
/// | `cross-entropy` | [`CrossEntropy`] | |
/// | `label-smoothing` | [`LabelSmoothing`] | `smoothing` |
/// | `mean-squared-error` | [`MeanSquaredError`] | |
///
/// | metric | type | numbers |
/// |---|---|---|
/// | `accuracy` | [`Accuracy`] | `accuracy` |
/// | `bleu` | [`Bleu`] | `bleu` |
/// | `sequence-accuracy` | [`SequenceAccuracy`] | `sequence_accuracy` |
/// | `slice-loss` | [`SliceLoss`] | `loss/0`, `loss/1`, … |
#[derive(Debug, Clone)]
pub struct PartsCatalog {
    pub(crate) optimizers: Named<BuildOptimizer>,
    pub(crate) schedules: Named<BuildSchedule>,
    pub(crate) losses: Named<BuildLoss>,
    pub(crate) metrics: Named<BuildMetric>,
}

pub(crate) type BuildOptimizer = dyn Fn() -> Result<Arc<dyn Optimizer>, TrainError>;

pub(crate) type BuildSchedule = dyn Fn() -> Result<Arc<dyn Schedule>, TrainError>;

pub(crate) type BuildLoss = dyn Fn() -> Result<Arc<dyn Loss>, TrainError>;

pub(crate) type BuildMetric = dyn Fn() -> Result<Arc<dyn Metric>, TrainError>;

impl Default for PartsCatalog {
    fn default() -> Self {
        let (optimizers, schedules) = (Named::new("optimizer"), Named::new("schedule"));
        Self { optimizers, schedules, losses: Named::new("loss"), metrics: Named::new("metric") }
            .optimizer("adam", Adam::build)
            .optimizer(ADAM_W, AdamW::build)
            .optimizer("lion", Lion::build)
            .optimizer("muon", Muon::build)
            .optimizer("sgd", Sgd::build)
            .schedule(CONSTANT, Constant::build)
            .schedule(COSINE, Cosine::build)
            .schedule("inverse-square-root", InverseSquareRoot::build)
            .schedule("linear", Linear::build)
            .schedule("warmup-stable-decay", WarmupStableDecay::build)
            .loss(CROSS_ENTROPY, |_: &NoSettings| Ok(CrossEntropy))
            .loss("label-smoothing", LabelSmoothing::build)
            .loss("mean-squared-error", |_: &NoSettings| Ok(MeanSquaredError))
            .metric(ACCURACY, |_: &NoSettings| Ok(Accuracy))
            .metric("bleu", |_: &NoSettings| Ok(Bleu))
            .metric(SEQUENCE_ACCURACY, |_: &NoSettings| Ok(SequenceAccuracy))
            .metric("slice-loss", |_: &NoSettings| Ok(SliceLoss))
    }
}

impl PartsCatalog {
    /// Adds an optimizer. `build` makes it from its settings, none of which is called `name`, `lr` or `clip`.
    pub fn optimizer<C: Settings, O: Optimizer + 'static>(
        mut self,
        name: &str,
        build: impl Fn(&C) -> Result<O, TrainError> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        self.optimizers.add(name, move |settings: C| {
            let build = Arc::clone(&build);
            Box::new(move || Ok(Arc::new(build(&settings)?)))
        });
        self
    }

    /// Adds a schedule. `build` makes it from its settings, none of which is called `kind`, the key of its name.
    pub fn schedule<C: Settings, S: Schedule + 'static>(
        mut self,
        name: &str,
        build: impl Fn(&C) -> Result<S, TrainError> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        self.schedules.add(name, move |settings: C| {
            let build = Arc::clone(&build);
            Box::new(move || Ok(Arc::new(build(&settings)?)))
        });
        self
    }

    /// Adds a loss. `build` makes it from its settings.
    pub fn loss<C: Settings, L: Loss + 'static>(
        mut self,
        name: &str,
        build: impl Fn(&C) -> Result<L, TrainError> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        self.losses.add(name, move |settings: C| {
            let build = Arc::clone(&build);
            Box::new(move || Ok(Arc::new(build(&settings)?)))
        });
        self
    }

    /// Adds a metric. `build` makes it from its settings.
    pub fn metric<C: Settings, M: Metric + 'static>(
        mut self,
        name: &str,
        build: impl Fn(&C) -> Result<M, TrainError> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        self.metrics.add(name, move |settings: C| {
            let build = Arc::clone(&build);
            Box::new(move || Ok(Arc::new(build(&settings)?)))
        });
        self
    }

    /// What the names of a recipe stand for.
    ///
    /// # Errors
    /// If a name is unknown or was taken twice, a setting is wrong, or a number is out of range.
    pub fn parts(&self, mut recipe: Recipe) -> Result<Parts, TrainError> {
        recipe.check()?;
        let Ready { choice, keys, build } = self.optimizers.read(&recipe.optimizer.rule)?;
        let of_all = ["name"].into_iter().chain(COMMON_SETTINGS);
        check_own("optimizer", &choice, &keys, of_all)?;
        recipe.optimizer.rule = choice;
        let optimizer = build()?;
        let Ready { choice, keys, build } = self.schedules.read(&recipe.schedule.shape)?;
        check_own("schedule", &choice, &keys, ["name", KIND])?;
        recipe.schedule.shape = choice;
        let schedule = build()?;
        let Ready { choice, build, .. } = self.losses.read(&recipe.loss)?;
        recipe.loss = choice;
        let loss = build()?;
        let metrics = recipe.train.metrics.iter_mut().enumerate().map(|(index, metric)| {
            let ready = self.metrics.read(metric).map_err(|error| in_list(error, index, &metric.name));
            let Ready { choice, build, .. } = ready?;
            *metric = choice;
            build()
        });
        let metrics = metrics.collect::<Result<_, _>>()?;
        Ok(Parts { recipe, optimizer, schedule, loss, metrics })
    }

    /// The names of the optimizers, in alphabetical order.
    pub fn optimizer_names(&self) -> impl Iterator<Item = &str> {
        self.optimizers.names()
    }

    /// The names of the schedules, in alphabetical order.
    pub fn schedule_names(&self) -> impl Iterator<Item = &str> {
        self.schedules.names()
    }

    /// Everything that it has, kind by kind.
    pub fn known(&self) -> Vec<KnownNames<'_>> {
        vec![self.losses.known(), self.metrics.known(), self.optimizers.known(), self.schedules.known()]
    }

    /// The names of the losses, in alphabetical order.
    pub fn loss_names(&self) -> impl Iterator<Item = &str> {
        self.losses.names()
    }

    /// The names of the metrics, in alphabetical order.
    pub fn metric_names(&self) -> impl Iterator<Item = &str> {
        self.metrics.names()
    }

    /// Whether every name was taken only once.
    ///
    /// # Errors
    /// If one was not.
    pub fn check(&self) -> Result<(), TrainError> {
        self.optimizers.check()?;
        self.schedules.check()?;
        self.losses.check()?;
        Ok(self.metrics.check()?)
    }
}

/// The same, where the setting of a metric has a wrong type, with its place in the list.
fn in_list(error: ModelError, index: usize, name: &str) -> ModelError {
    let ModelError::WrongValue(wrong) = error else { return error };
    let key = wrong.key.strip_prefix("metric.").unwrap_or(&wrong.key);
    let write = wrong.write.as_deref().and_then(|write| write.strip_prefix("metric.")?.split_once('='));
    let write = write.map(|(key, value)| format!("train.metrics=[{{ name = \"{name}\", {key} = {value} }}]"));
    ModelError::WrongValue(WrongValue { key: format!("train.metrics[{index}].{key}"), write, ..wrong })
}

/// Refuses a setting of one type under a key that means something for every type of its kind.
fn check_own<'a>(
    kind: &str,
    choice: &Choice,
    keys: &[String],
    of_all: impl IntoIterator<Item = &'a str>,
) -> Result<(), TrainError> {
    let Some(key) = of_all.into_iter().find(|key| keys.iter().any(|own| own == key)) else { return Ok(()) };
    let name = &choice.name;
    let what = format!("`{key}` is a setting of every {kind}; rename that of `{name}` in its type");
    Err(TrainError::Config(what))
}
