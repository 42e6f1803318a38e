//! The keys that a config can have, and the answer to one that it cannot.

use std::collections::BTreeSet;

use qkv_model::ModelError;
use qkv_run::tensor_names::WATCHED;
use qkv_run::{PROJECTIONS_KEY, flatten};
use toml::{Table, Value};

use super::choices::{METRICS, MODEL, TABLES, choice_at, is_of_all, name_key};
use super::name::name_of;
use super::read::merge;
use crate::error::{SettingFault, TrainError};
use crate::registry::Registry;

/// The dotted path of every key that a config of this task and this kind of model can have.
fn known_keys(registry: &Registry, defaults: &Table) -> Result<BTreeSet<String>, TrainError> {
    let mut known: BTreeSet<String> = flatten(defaults).into_keys().collect();
    for table in TABLES {
        let found = choice_at(defaults, table).and_then(|choice| registry.look_up(table, &choice));
        let keys = found.transpose()?.map_or(Vec::new(), |found| found.keys);
        known.extend(keys.into_iter().map(|key| format!("{table}.{key}")));
    }
    Ok(known)
}

/// Refuses every key that nothing reads, with the nearest that something does, and every number that no setting can have.
pub(super) fn check_keys(registry: &Registry, given: &Table, defaults: &Table) -> Result<(), TrainError> {
    let known = known_keys(registry, defaults)?;
    let fault = |(path, value): (String, Value)| fault(registry, path, &value, &known, defaults);
    let mut faults: Vec<SettingFault> = flatten(given).into_iter().filter_map(fault).collect();
    faults.extend(quoted_paths(given, &known));
    if !faults.is_empty() {
        faults.extend(nested_faults(registry, &merge(defaults.clone(), given.clone())));
    }
    SettingFault::all(faults).map_or(Ok(()), |fault| Err(fault.into()))
}

/// The keys, at the top or in a table, whose name in quotation marks is the dotted path of another key.
fn quoted_paths(given: &Table, known: &BTreeSet<String>) -> Vec<SettingFault> {
    let top = given.keys().cloned();
    let tables = given.iter().filter_map(|(name, table)| Some((name, table.as_table()?)));
    let in_tables = tables.flat_map(|(name, table)| {
        table.keys().filter(|key| key.contains('.')).map(move |key| format!("{name}.{key}"))
    });
    top.filter(|key| key.contains('.'))
        .chain(in_tables)
        .filter(|key| known.iter().any(|known| is_at(key, known)))
        .map(|key| SettingFault::QuotedPath { key })
        .collect()
}

fn fault(
    registry: &Registry,
    path: String,
    value: &Value,
    known: &BTreeSet<String>,
    defaults: &Table,
) -> Option<SettingFault> {
    let below = known.iter().find(|known| known.starts_with(&format!("{path}.")));
    if let Some(key) = below.filter(|_| !known.contains(&path) && !known.contains(&format!("{path}.name"))) {
        return Some(SettingFault::NotATable { example: key.clone(), key: path, found: value.to_string() });
    }
    if !known.iter().any(|known| is_at(&path, known)) {
        let (table, setting) = path.split_once('.').unwrap_or_default();
        let chosen = name_of(defaults, table).ok().flatten().unwrap_or_default();
        let owners = if chosen.is_empty() { Vec::new() } else { registry.owners(table, setting) };
        return Some(unknown(&path, table, owners, chosen, known));
    }
    let found = not_finite(value).filter(|_| is_setting_of_a_choice(&path))?;
    Some(SettingFault::NotFinite { key: path, found: found.to_string() })
}

/// Whether what stands at `path` is for this known key. What stands below a key whose known value is no table, such as a
/// score `{ name = "additive", d_hidden = 16 }`, is checked with what it names; a choice may also be written by its name
/// alone.
fn is_at(path: &str, known: &str) -> bool {
    path == known || path.starts_with(&format!("{known}.")) || known == format!("{path}.name")
}

/// The answer to an error about the keys of a config whose tables have none that is unknown: all keys that are unknown to
/// what is named in the model and in the list of metrics.
pub(super) fn unknown_nested(registry: &Registry, config: &Table, error: TrainError) -> TrainError {
    let (TrainError::Model(of_key) | TrainError::ModelSetting { error: of_key, .. }) = &error else {
        return error;
    };
    let ModelError::Settings { .. } = of_key else { return error };
    SettingFault::all(nested_faults(registry, config)).map_or(error, TrainError::from)
}

fn nested_faults(registry: &Registry, config: &Table) -> Vec<SettingFault> {
    let in_model = config.get(MODEL).and_then(Value::as_table).into_iter().flatten();
    let in_model = in_model.map(|(key, value)| {
        let place = format!("{MODEL}.{key}");
        (place.clone(), place, value)
    });
    let metrics = config.get("train").and_then(|train| train.get("metrics")?.as_array());
    let metrics = metrics.into_iter().flatten().enumerate();
    let metrics = metrics.map(|(index, value)| (METRICS.to_owned(), format!("{METRICS}[{index}]"), value));
    in_model
        .chain(metrics)
        .flat_map(|(place, path, value)| in_choice(registry, &place, &path, value))
        .collect()
}

/// The unknown keys of what is named at a place.
fn in_choice(registry: &Registry, place: &str, path: &str, value: &Value) -> Vec<SettingFault> {
    let Some(settings) = value.as_table() else { return Vec::new() };
    let Some(name) = settings.get("name").and_then(Value::as_str) else {
        return if place == PROJECTIONS_KEY { in_projections(settings) } else { Vec::new() };
    };
    let Some(found) = registry.by_itself(place, name) else { return Vec::new() };
    let own = found.keys.iter().map(String::as_str).chain(["name"]);
    let known = own.map(|key| format!("{path}.{key}")).collect();
    let unknown_keys = settings.keys().filter(|key| *key != "name" && !found.has(key));
    let fault = |key: &String| {
        let owners = registry.owners(place, key);
        unknown(&format!("{path}.{key}"), path, owners, name, &known)
    };
    unknown_keys.map(fault).collect()
}

/// The keys of a table with a word for each of W_Q, W_K and W_V that are none of these.
fn in_projections(table: &Table) -> Vec<SettingFault> {
    let known = WATCHED.map(|matrix| format!("{PROJECTIONS_KEY}.{matrix}")).into();
    let unknown_keys = table.keys().filter(|key| !WATCHED.contains(&key.as_str()));
    let fault =
        |key: &String| unknown(&format!("{PROJECTIONS_KEY}.{key}"), PROJECTIONS_KEY, Vec::new(), "", &known);
    unknown_keys.map(fault).collect()
}

/// An unknown key in a table that names `chosen`.
fn unknown(
    key: &str,
    table: &str,
    owners: Vec<String>,
    chosen: &str,
    known: &BTreeSet<String>,
) -> SettingFault {
    let key = key.to_owned();
    if !owners.is_empty() {
        let name_key = format!("{table}.{}", name_key(table));
        return SettingFault::SettingOfAnother { key, owners, name_key, chosen: chosen.to_owned() };
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
        // A count without what shows that it is one.
        let like = if of_last.strip_prefix("n_") == Some(&last) { like.max(0.9) } else { like };
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
    path.split_once('.').is_some_and(|(table, key)| TABLES.contains(&table) && !is_of_all(table, key))
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
            ("train.batchsize", "train.batch_size"),
            ("model.heads", "model.n_heads"),
            ("model.layers", "model.n_layers"),
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
