//! The places of a config in which something is named, and what the registry has for each.

use qkv_model::{Choice, ModelError, Ready};
use toml::{Table, Value};

use crate::config::{ADAM_W, COMMON_SETTINGS, COSINE, CROSS_ENTROPY, KIND};
use crate::registry::{Registry, TRANSFORMER};

pub(super) const TASK: &str = "task";
pub(super) const MODEL: &str = "model";
pub(super) const LOSS: &str = "loss";
pub(super) const OPTIMIZER: &str = "optimizer";
pub(super) const SCHEDULE: &str = "schedule";

/// The tables that name something, each with its settings beside the name.
pub(super) const TABLES: [&str; 5] = [TASK, MODEL, LOSS, OPTIMIZER, SCHEDULE];

/// The list that names several things.
pub(super) const METRICS: &str = "train.metrics";

/// Whether this is the path of such a table, or of what may name something within a model.
pub(super) fn is_place(path: &str) -> bool {
    let in_model = || path.strip_prefix("model.").is_some_and(|key| !key.contains('.'));
    TABLES.contains(&path) || in_model()
}

/// The key of the name in such a table.
pub(super) fn name_key(place: &str) -> &'static str {
    if place == SCHEDULE { KIND } else { "name" }
}

/// What is named at a place, as [`KnownNames`](qkv_model::KnownNames) have it.
pub(super) fn kind(place: &str) -> &str {
    if place == METRICS { "metric" } else { place.rsplit('.').next().unwrap_or(place) }
}

/// The name where a config has none.
pub(super) fn default_name(table: &str) -> Option<&'static str> {
    match table {
        MODEL => Some(TRANSFORMER),
        LOSS => Some(CROSS_ENTROPY),
        OPTIMIZER => Some(ADAM_W),
        SCHEDULE => Some(COSINE),
        _ => None,
    }
}

/// Whether a key in a table is a setting of every type that may be named there.
pub(super) fn is_of_all(table: &str, key: &str) -> bool {
    key == name_key(table) || (table == OPTIMIZER && COMMON_SETTINGS.contains(&key))
}

/// What stands in a table: a name, and the settings that belong to it.
pub(super) fn choice_at(config: &Table, table: &str) -> Option<Choice> {
    let settings = match config.get(table)? {
        Value::String(name) => return Some(Choice::new(name)),
        Value::Table(settings) => settings,
        _ => return None,
    };
    let name = settings.get(name_key(table)).map_or(default_name(table), Value::as_str)?;
    let own = settings.iter().filter(|(key, _)| !is_of_all(table, key));
    let settings = own.map(|(key, value)| (key.clone(), serde_json::to_value(value).unwrap_or_default()));
    Some(Choice { name: name.to_owned(), settings: settings.collect() })
}

/// What a choice has settings for.
pub(super) struct Found {
    /// With every setting filled in.
    pub choice: Choice,
    /// Every key that its settings can have.
    pub keys: Vec<String>,
}

impl Found {
    fn of<B: ?Sized>(Ready { choice, keys, .. }: Ready<B>) -> Self {
        Self { choice, keys }
    }

    pub fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known == key)
    }
}

impl Registry {
    /// What a choice is that stands at a place: in one of [`TABLES`], in [`METRICS`], or in the table of a model, such as
    /// `model.score`. `None` if nothing is named there.
    pub(super) fn look_up(&self, place: &str, choice: &Choice) -> Option<Result<Found, ModelError>> {
        let Self { tasks, models, parts, catalog, .. } = self;
        Some(match place {
            TASK => tasks.read(choice).map(Found::of),
            MODEL => models.read(choice).map(Found::of),
            LOSS => parts.losses.read(choice).map(Found::of),
            OPTIMIZER => parts.optimizers.read(choice).map(Found::of),
            SCHEDULE => parts.schedules.read(choice).map(Found::of),
            METRICS => parts.metrics.read(choice).map(Found::of),
            _ => {
                let keys = catalog.keys(place.strip_prefix("model.")?, choice)?;
                keys.map(|keys| Found { choice: choice.clone(), keys })
            }
        })
    }

    /// What a name stands for with the settings that it has by itself, if there is one.
    pub(super) fn by_itself(&self, place: &str, name: &str) -> Option<Found> {
        self.look_up(place, &self.choice_by_itself(place, name))?.ok()
    }

    /// A name with the settings that it cannot do without: a task is read with those of its defaults.
    pub(super) fn choice_by_itself(&self, place: &str, name: &str) -> Choice {
        let defaults = self.defaults.get(name).filter(|_| place == TASK);
        let defaults = defaults.and_then(|defaults| defaults.parse::<Table>().ok());
        let settings = defaults.and_then(|mut defaults| {
            defaults.get_mut(TASK)?.as_table_mut()?.insert("name".to_owned(), name.into());
            Some(choice_at(&defaults, TASK)?.settings)
        });
        Choice { name: name.to_owned(), settings: settings.unwrap_or_default() }
    }

    /// The names that may stand at a place, and have this setting.
    pub(super) fn owners(&self, place: &str, setting: &str) -> Vec<String> {
        let names =
            self.known().into_iter().filter(|known| known.kind == kind(place)).flat_map(|known| known.names);
        let has = |name: &&str| self.by_itself(place, name).is_some_and(|found| found.has(setting));
        names.filter(has).map(str::to_owned).collect()
    }
}
