//! What the names of a recipe stand for, built-in and yours.

use std::sync::Arc;

use qkv_model::{KnownNames, Named, Settings};

use super::optimizer::{Adam, AdamW, Lion, Muon, Optimizer, Sgd};
use crate::config::{ADAM_W, COMMON_SETTINGS, Recipe};
use crate::error::TrainError;

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
}

impl Parts {
    /// Those of a recipe whose names are built in.
    ///
    /// # Errors
    /// If a name is unknown, or a number is out of range.
    pub fn new(recipe: Recipe) -> Result<Self, TrainError> {
        PartsCatalog::default().parts(recipe)
    }

    /// The learning rate of a step at which the schedule gives `factor`.
    pub fn learning_rate(&self, factor: f64) -> f64 {
        self.recipe.optimizer.lr * factor
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
#[derive(Debug, Clone)]
pub struct PartsCatalog {
    pub(crate) optimizers: Named<BuildOptimizer>,
}

pub(crate) type BuildOptimizer = dyn Fn() -> Result<Arc<dyn Optimizer>, TrainError>;

impl Default for PartsCatalog {
    fn default() -> Self {
        Self { optimizers: Named::new("optimizer") }
            .optimizer("adam", Adam::build)
            .optimizer(ADAM_W, AdamW::build)
            .optimizer("lion", Lion::build)
            .optimizer("muon", Muon::build)
            .optimizer("sgd", Sgd::build)
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

    /// What the names of a recipe stand for.
    ///
    /// # Errors
    /// If a name is unknown or was taken twice, a setting is wrong, or a number is out of range.
    pub fn parts(&self, mut recipe: Recipe) -> Result<Parts, TrainError> {
        recipe.check()?;
        let ready = self.optimizers.read(&recipe.optimizer.rule)?;
        let of_all = ["name"].iter().chain(&COMMON_SETTINGS);
        if let Some(key) = of_all.copied().find(|key| ready.keys.iter().any(|own| own == key)) {
            let name = &ready.choice.name;
            let what =
                format!("`{key}` is a setting of every optimizer; rename that of `{name}` in its type");
            return Err(TrainError::Config(what));
        }
        recipe.optimizer.rule = ready.choice;
        Ok(Parts { recipe, optimizer: (ready.build)()? })
    }

    /// The names of the optimizers, in alphabetical order.
    pub fn optimizer_names(&self) -> impl Iterator<Item = &str> {
        self.optimizers.names()
    }

    /// Everything that it has, kind by kind.
    pub fn known(&self) -> Vec<KnownNames<'_>> {
        vec![self.optimizers.known()]
    }

    /// Whether every name was taken only once.
    ///
    /// # Errors
    /// If one was not.
    pub fn check(&self) -> Result<(), TrainError> {
        Ok(self.optimizers.check()?)
    }
}
