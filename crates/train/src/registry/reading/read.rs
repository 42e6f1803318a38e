//! From a task's defaults, a TOML text and `key=value` settings to one checked config.

use std::collections::BTreeMap;
use std::sync::Arc;

use qkv_model::{Choice, ModelError, Ready, Unreadable, read_settings};
use qkv_run::RunFolder;
use toml::{Table, Value};

use super::assignment::set_all;
use super::choices::{MODEL, TASK, is_place, name_key};
use super::keys::{check_keys, unknown_nested};
use super::name::{name_of, named};
use super::projections::{for_each, is_for_all};
use super::replaced::{SettingsLeftOut, replace};
use super::schedule_name::{one_form, take_former_default, take_former_setting};
use super::whole_number::Ranges;
use crate::config::{CROSS_ENTROPY, Config, Parent, Recipe};
use crate::error::{SettingFault, TrainError};
use crate::registry::{Experiment, Fitted, Registry, TRANSFORMER};
use crate::task::Task;

/// What a config starts from.
#[derive(Debug, Clone, Copy)]
pub enum ConfigSource<'a> {
    /// The defaults of a task.
    Task(&'a str),
    /// A TOML text; what it leaves out comes from the defaults of its task.
    Toml(&'a str),
    /// The config of a run, in TOML: the same, but what an older version wrote into it is read as it was then.
    Run(&'a str),
}

/// Reads configs, each as [`Registry::read`] does. A task is built once for all configs that have the same settings of
/// it: a text is read once for the runs of a sweep.
pub struct Reader<'a> {
    pub(in crate::registry) registry: &'a Registry,
    /// By name and settings, as JSON.
    pub(in crate::registry) tasks: BTreeMap<String, Arc<dyn Task>>,
}

impl Reader<'_> {
    /// Takes the task of `experiment` for every config with the same settings of it.
    pub(in crate::registry) fn with_task_of(mut self, experiment: &Experiment) -> Result<Self, TrainError> {
        let settings = settings_of(&self.registry.tasks.read(&experiment.config.task)?.choice);
        self.tasks.insert(settings, Arc::clone(&experiment.task));
        Ok(self)
    }

    /// See [`Registry::read`].
    ///
    /// # Errors
    /// As there.
    pub fn read(
        &mut self,
        source: ConfigSource<'_>,
        settings: &[impl AsRef<str>],
    ) -> Result<Experiment, TrainError> {
        self.registry.check()?;
        let mut given = match source {
            ConfigSource::Task(name) => named("task", name),
            ConfigSource::Toml(text) | ConfigSource::Run(text) => {
                text.parse::<Table>().map_err(|error| not_toml(text, &error))?
            }
        };
        if matches!(source, ConfigSource::Run(_)) || given.contains_key("format") {
            take_former_setting(&mut given)
        } else {
            take_former_default(&mut given)
        }
        RunFolder::take_format(&mut given)?;
        let parent = Parent::take(&mut given)?;
        let mut left_out = set_all(self.registry, &mut given, settings)?;
        let task = match (source, name_of(&given, TASK)?) {
            (_, None) => return Err(SettingFault::NoTask.into()),
            (ConfigSource::Task(asked), Some(name)) if name != asked => {
                return Err(
                    SettingFault::AnotherTask { asked: asked.to_owned(), set: name.to_owned() }.into()
                );
            }
            (_, Some(name)) => name.to_owned(),
        };
        let defaults = defaults(self.registry, &task, &given)?;
        left_out.extend(defaults.left_out);
        check_keys(self.registry, &given, &defaults.config)?;
        let all = merge(defaults.config.clone(), given);
        let experiment = self.read_all(all.clone(), parent, &defaults.config);
        let experiment = experiment.map_err(|error| {
            let refuse = &mut |all| self.read_all(all, None, &defaults.config).err();
            Ranges { defaults: &defaults.config, refuse }.named_in(error, all)
        })?;
        Ok(Experiment { left_out, ..experiment })
    }

    /// A config that has every value which its task has by default.
    fn read_all(
        &mut self,
        all: Table,
        parent: Option<Parent>,
        defaults: &Table,
    ) -> Result<Experiment, TrainError> {
        let config = Config { parent, ..deserialize(all.clone(), defaults)? };
        self.resolve(config).map_err(|error| {
            let error = unknown_nested(self.registry, &all, error);
            as_in_defaults(with_date(error, &all), defaults)
        })
    }

    /// The same for a config that is read already.
    ///
    /// # Errors
    /// If a name is unknown, a number is out of range, or the model does not fit the task.
    pub fn resolve(&mut self, mut config: Config) -> Result<Experiment, TrainError> {
        let Registry { catalog, tasks, models, parts, .. } = self.registry;
        self.registry.check()?;
        let ready = tasks.read(&config.task)?;
        let settings = settings_of(&ready.choice);
        let task = match self.tasks.get(&settings) {
            Some(task) => Arc::clone(task),
            None => Arc::clone(self.tasks.entry(settings).insert_entry((ready.build)()?).get()),
        };
        config.task = ready.choice;
        if let Some(corpus) = task.corpus() {
            config.task.settings.extend(corpus.resolved_settings());
        }
        let parts = parts.parts(config.recipe())?;
        config.optimizer = parts.recipe.optimizer.clone();
        config.schedule = parts.recipe.schedule.clone();
        config.loss = parts.recipe.loss.clone();
        config.train.metrics = parts.recipe.train.metrics.clone();
        parts.stop_figure(&*task)?;
        let Ready { choice, build: fit, .. } = models.read(&config.model)?;
        let fitted = fit(&config.model, &*task, config.train.batch_size, catalog);
        let fitted = fitted.map_err(|error| with_table(error, &choice))?;
        let Fitted { choice, build: build_model, sizes } = fitted;
        config.model = choice;
        let observers = self.registry.run_observers()?;
        Ok(Experiment { config, task, parts, observers, left_out: Vec::new(), build_model, sizes })
    }
}

/// Adds the table to the key with which the message of a model's error begins, if it is one of the settings of the
/// model or of something that these name.
pub(in crate::registry) fn with_table(error: TrainError, Choice { settings, .. }: &Choice) -> TrainError {
    let TrainError::Model(error) = error else { return error };
    let message = error.to_string();
    let key = message.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let named = settings.iter().find(|(_, setting)| setting.get(key).is_some());
    let table = match named {
        _ if settings.contains_key(key) => MODEL.to_owned(),
        Some((named, _)) => format!("{MODEL}.{named}"),
        None => return TrainError::Model(error),
    };
    match error {
        ModelError::WrongValue(wrong) => TrainError::Model(ModelError::WrongValue(wrong.below(&table))),
        error => TrainError::ModelSetting { table, error },
    }
}

/// Shows a date without quotation marks: it is a text for the types of what is named.
fn with_date(error: TrainError, config: &Table) -> TrainError {
    let TrainError::Model(ModelError::WrongValue(mut wrong)) = error else { return error };
    let mut keys = wrong.key.split('.');
    let outer = keys.next().and_then(|key| config.get(key));
    if let Some(Value::Datetime(date)) = outer.and_then(|table| keys.try_fold(table, |at, key| at.get(key))) {
        wrong.found = date.to_string();
    }
    ModelError::WrongValue(wrong).into()
}

/// Advises to write the default of a task where a setting of it has a wrong type: a task has none by itself. A whole
/// number that was written with a point stays.
fn as_in_defaults(error: TrainError, defaults: &Table) -> TrainError {
    let TrainError::Model(ModelError::WrongValue(mut wrong)) = error else { return error };
    let number = wrong.found.parse::<f64>();
    let is_meant = number.is_ok_and(|number| wrong.write == Some(format!("{}={number}", wrong.key)));
    if let Some(("task", key)) = wrong.key.split_once('.')
        && let Some(default) = defaults.get(TASK).and_then(|task| task.get(key))
        && !is_meant
    {
        wrong.write = Some(format!("{}={default}", wrong.key));
    }
    ModelError::WrongValue(wrong).into()
}

fn settings_of(choice: &Choice) -> String {
    serde_json::to_string(choice).expect("a choice is a name or a JSON object")
}

/// What a config of a task starts from.
pub(super) struct Defaults {
    pub config: Table,
    /// See [`Experiment::left_out`].
    pub left_out: Vec<SettingsLeftOut>,
}

/// The defaults of a task for the kind of model, the loss, the optimizer and the schedule that are asked for.
pub(super) fn defaults(registry: &Registry, task: &str, given: &Table) -> Result<Defaults, TrainError> {
    let mut defaults = Table::try_from(Recipe::default()).expect("a recipe is a TOML table of numbers");
    defaults.extend(named("task", task));
    defaults.extend(named("model", TRANSFORMER));
    defaults.extend(named("loss", CROSS_ENTROPY));
    registry.tasks.check_name(task)?;
    let mut of_task: Table = registry.defaults[task].parse().map_err(|error| {
        TrainError::Config(format!("the defaults of the task `{task}` are not TOML: {error}"))
    })?;
    one_form(&mut of_task)?;
    replace(registry, &mut defaults, &of_task, &Table::new())?;
    let mut defaults = merge(defaults, of_task);
    let left_out = replace(registry, &mut defaults, given, &Table::new())?;
    Ok(Defaults { config: defaults, left_out })
}

/// `over` on top of `base`, table by table. Settings belong to a name: they go where it is replaced by another, and a
/// setting without a name belongs to the one that is there. What is set for one of W_Q, W_K and W_V leaves the others as
/// they are.
pub(super) fn merge(base: Table, over: Table) -> Table {
    merge_below("", base, over)
}

/// The same of two tables that stand at this path.
fn merge_below(table: &str, mut base: Table, over: Table) -> Table {
    for (key, value) in over {
        let path = if table.is_empty() { key.clone() } else { format!("{table}.{key}") };
        let (names, name_key) = (is_place(&path), name_key(&path));
        let merged = match (base.remove(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => {
                match (base.get(name_key), over.get(name_key)) {
                    (Some(old), Some(new)) if names && old != new => Value::Table(over),
                    _ => Value::Table(merge_below(&path, base, over)),
                }
            }
            (Some(Value::String(word)), Value::Table(over)) if is_for_all(&path, &word) => {
                Value::Table(merge_below(&path, for_each(&word), over))
            }
            (Some(Value::String(name)), Value::Table(mut over)) if names => {
                over.entry(name_key).or_insert(Value::String(name));
                Value::Table(over)
            }
            (Some(Value::Table(base)), Value::String(name))
                if names && base.get(name_key).and_then(Value::as_str) == Some(&name) =>
            {
                Value::Table(base)
            }
            (_, over) => over,
        };
        base.insert(key, merged);
    }
    base
}

fn deserialize(table: Table, defaults: &Table) -> Result<Config, TrainError> {
    let found = serde_json::to_value(&table).unwrap_or_default();
    let default = || serde_json::to_value(defaults).ok();
    read_settings(Value::Table(table), "", &found, default).map_err(|error| match error {
        Unreadable::Value(wrong) => ModelError::WrongValue(wrong).into(),
        Unreadable::Key { key, reason } => TrainError::Config(format!("{key}: {reason}")),
    })
}

fn not_toml(text: &str, error: &toml::de::Error) -> TrainError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    TrainError::Config(format!("not TOML at line {line}, column {column}: {message}"))
}
