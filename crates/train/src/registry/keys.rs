//! The keys that a config can have, and the answer to one that it cannot.

use std::collections::BTreeSet;

use qkv_model::{Choice, Named};
use qkv_run::flatten;
use toml::{Table, Value};

use super::Registry;
use super::name::name_of;
use super::read::deserialize;
use super::schedule_name::SCHEDULE;
use crate::config::{COMMON_SETTINGS, KIND};
use crate::error::{SettingFault, TrainError};

/// The dotted path of every key that a config of this task and this kind of model can have.
fn known_keys(registry: &Registry, defaults: &Table) -> Result<BTreeSet<String>, TrainError> {
    let config = deserialize(defaults.clone())?;
    let task_keys = registry.tasks.read(&config.task)?.keys;
    let model_keys = registry.models.read(&config.model)?.keys;
    let loss_keys = registry.parts.losses.read(&config.loss)?.keys;
    let optimizer_keys = registry.parts.optimizers.read(&config.optimizer.rule)?.keys;
    let schedule_keys = registry.parts.schedules.read(&config.schedule.shape)?.keys;
    let of_task = task_keys.into_iter().map(|key| format!("task.{key}"));
    let of_model = model_keys.into_iter().map(|key| format!("model.{key}"));
    let of_loss = loss_keys.into_iter().map(|key| format!("loss.{key}"));
    let of_optimizer = optimizer_keys.into_iter().map(|key| format!("optimizer.{key}"));
    let of_schedule = schedule_keys.into_iter().map(|key| format!("schedule.{key}"));
    let of_parts = of_loss.chain(of_optimizer).chain(of_schedule);
    Ok(flatten(defaults).into_keys().chain(of_task).chain(of_model).chain(of_parts).collect())
}

/// Refuses a key that nothing reads, with the nearest that something does, and a number that no setting can have.
pub(super) fn check_keys(registry: &Registry, given: &Table, defaults: &Table) -> Result<(), TrainError> {
    let known = known_keys(registry, defaults)?;
    for (path, value) in flatten(given) {
        let below = known.iter().find(|known| known.starts_with(&format!("{path}.")));
        if let Some(key) =
            below.filter(|_| !known.contains(&path) && !known.contains(&format!("{path}.name")))
        {
            let what = format!("`{path}` must be a table with keys such as `{key}`, got {value}");
            return Err(TrainError::Config(what));
        }
        // Below a key whose known value is not a table (a score such as `{ name = "additive", d_hidden = 16 }`) serde
        // checks the shape; a choice may also be written by its name alone.
        let fits = |known: &String| {
            path == *known || path.starts_with(&format!("{known}.")) || *known == format!("{path}.name")
        };
        if !known.iter().any(fits) {
            return Err(unknown(registry, path, &known, defaults).into());
        }
        if let Some(found) = not_finite(&value).filter(|_| is_setting_of_a_choice(&path)) {
            return Err(TrainError::Config(format!("{path}: a number must be finite, got {found}")));
        }
    }
    Ok(())
}

fn unknown(registry: &Registry, key: String, known: &BTreeSet<String>, defaults: &Table) -> SettingFault {
    let (table, setting) = key.split_once('.').unwrap_or_default();
    let owners = owners(registry, table, setting);
    if let Some(chosen) = name_of(defaults, table).ok().flatten().filter(|_| !owners.is_empty()) {
        let name_key = if table == SCHEDULE { KIND } else { "name" };
        let (name_key, chosen) = (format!("{table}.{name_key}"), chosen.to_owned());
        return SettingFault::SettingOfAnother { key, owners, name_key, chosen };
    }
    let beside = known.iter().filter_map(|known| known.strip_prefix(table)?.strip_prefix('.'));
    let beside = if table.is_empty() { BTreeSet::new() } else { beside.map(str::to_owned).collect() };
    let (table, beside) = match beside.is_empty() {
        // A table that there is not: those that there are.
        true => {
            (None, known.iter().map(|known| known.split('.').next().unwrap_or(known).to_owned()).collect())
        }
        false => (Some(table.to_owned()), beside),
    };
    SettingFault::UnknownKey { nearest: nearest(&key, known), key, table, known: Vec::from_iter(beside) }
}

/// The names that have this setting, among those that may stand in this table.
fn owners(registry: &Registry, table: &str, setting: &str) -> Vec<String> {
    let Registry { parts, .. } = registry;
    match table {
        "task" => with_setting(&registry.tasks, setting, |task| choice_of_defaults(registry, task)),
        "model" => with_setting(&registry.models, setting, |name| Choice::new(name)),
        "loss" => with_setting(&parts.losses, setting, |name| Choice::new(name)),
        "optimizer" => with_setting(&parts.optimizers, setting, |name| Choice::new(name)),
        SCHEDULE => with_setting(&parts.schedules, setting, |name| Choice::new(name)),
        _ => Vec::new(),
    }
}

fn with_setting<B: ?Sized + 'static>(
    named: &Named<B>,
    setting: &str,
    choice: impl Fn(&str) -> Choice,
) -> Vec<String> {
    let has = |name: &&str| {
        named.read(&choice(name)).is_ok_and(|ready| ready.keys.iter().any(|known| known == setting))
    };
    named.names().filter(has).map(str::to_owned).collect()
}

/// A task with the settings of its defaults: it need not have any by itself.
fn choice_of_defaults(registry: &Registry, task: &str) -> Choice {
    let of_defaults = || {
        let mut settings = registry.defaults.get(task)?.parse::<Table>().ok()?.remove("task")?;
        settings.as_table_mut()?.insert("name".to_owned(), task.into());
        settings.try_into().ok()
    };
    of_defaults().unwrap_or_else(|| Choice::new(task))
}

/// What lies below 0.6 confuses more than it helps.
const LIKE: f64 = 0.6;

/// The known key that looks most like `path`, if one does: the last part decides, because the most frequent mistake is the
/// wrong table, and of several with the same last part the table.
fn nearest(path: &str, known: &BTreeSet<String>) -> Option<String> {
    let parts = |path: &str| {
        let (table, last) = path.rsplit_once('.').unwrap_or(("", path));
        (table.to_owned(), last.to_owned())
    };
    let (table, last) = parts(path);
    let likeness = |known: &str| {
        let (of_table, of_last) = parts(known);
        let begins_alike = last.len() > 2 && of_last.starts_with(&last);
        let like = strsim::normalized_damerau_levenshtein(&last, &of_last);
        let like = if begins_alike { like.max(0.75) } else { like };
        (like, strsim::normalized_damerau_levenshtein(&table, &of_table))
    };
    let alike = known.iter().map(|known| (likeness(known), known)).filter(|((last, _), _)| *last >= LIKE);
    let best = alike.max_by(|((a_last, a_table), _), ((b_last, b_table), _)| {
        (a_last + a_table / 2.0).total_cmp(&(b_last + b_table / 2.0))
    });
    best.map(|(_, known)| known.clone())
}

/// Whether the value at this path becomes JSON, which has no number that is not finite.
fn is_setting_of_a_choice(path: &str) -> bool {
    match path.split_once('.') {
        Some(("optimizer", key)) => !COMMON_SETTINGS.contains(&key),
        Some((table, _)) => ["task", "model", "loss", SCHEDULE].contains(&table),
        None => false,
    }
}

fn not_finite(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number).filter(|number| !number.is_finite()),
        Value::Array(values) => values.iter().find_map(not_finite),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::ConfigSource;

    #[track_caller]
    fn check(setting: &str, expected: &str) {
        let read = Registry::new().read(ConfigSource::Task("reverse"), &[setting]);
        assert_eq!(read.expect_err("an unknown key").to_string(), expected);
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_key_that_was_meant() {
        for (key, meant) in [
            ("optimizers.name", "optimizer.name"),
            ("optimiser.lr", "optimizer.lr"),
            ("train.lr", "optimizer.lr"),
            ("lr", "optimizer.lr"),
            ("model.heads", "model.n_heads"),
            ("schedule.warmup", "schedule.warmup_steps"),
            ("lss.name", "loss.name"),
            ("sed", "seed"),
        ] {
            check(&format!("{key}=1"), &format!("unknown key `{key}`; did you mean `{meant}`?"));
        }
    }

    #[test]
    fn a_setting_of_another_choice_is_answered_with_those_that_have_it() {
        for (key, owners, chosen) in [
            ("optimizer.momentum", "`muon`, `sgd`", "optimizer.name is `adam-w`"),
            ("loss.smoothing", "`label-smoothing`", "loss.name is `cross-entropy`"),
            ("schedule.decay_share", "`warmup-stable-decay`", "schedule.kind is `cosine`"),
            ("task.text", "`chars`", "task.name is `reverse`"),
        ] {
            let expected = format!("unknown key `{key}`: it is a setting of {owners}, and {chosen}");
            check(&format!("{key}=0.5"), &expected);
        }
    }

    #[test]
    fn a_key_like_no_other_is_answered_with_those_that_there_are() {
        check(
            "optimizer.foo.bar=1",
            "unknown key `optimizer.foo.bar`; `optimizer` has beta_1, beta_2, clip, epsilon, lr, name, weight_decay",
        );
        check(
            "x.y.z=1",
            "unknown key `x.y.z`; a config has loss, model, optimizer, schedule, seed, task, train",
        );
    }
}
