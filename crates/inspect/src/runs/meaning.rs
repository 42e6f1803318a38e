//! What a config says about what its run computes, key by key.

use std::collections::BTreeMap;

use qkv_run::tensor_names::WATCHED;
use qkv_run::{PROJECTIONS_KEY, changes_of_meaning, flatten, split_projections};
use toml::{Table, Value};

use crate::runs::key_value::KeyValue;

/// Runs that differ in nothing else are of one setting.
const SEED: &str = "seed";

/// What decides, where it is the same, that another key means nothing.
pub(super) const DECIDING: [[&str; 2]; 2] = [["task", "fingerprint"], ["schedule", "kind"]];

/// The table of a run that began with what another has learned: where that lies, or the config of that.
const PARENT: &str = "parent";

/// With other evaluations a run is the same, but the step of its phase change and its figures are others.
const MEASURED_WITH: [&str; 2] = ["train.eval_every", "train.eval_examples"];

/// The values of a config that say what its run computes and how it was measured, apart from the seed. Those of a
/// parent begin with `parent.`, and are noted where it has another value or lacks the key. W_Q, W_K and W_V have a word
/// each.
pub(super) struct Meaning {
    pub values: BTreeMap<String, KeyValue>,
    /// The parents in a line whose configs were found.
    n_parents: usize,
}

impl Meaning {
    /// By this config alone: whether two runs are of one setting does not depend on those beside them.
    pub fn of(config: &Table) -> Self {
        let settings = flatten(config);
        let measured = MEASURED_WITH.into_iter().map(|key| (key.to_owned(), settings.get(key).cloned()));
        let mut meaning = computed(config);
        meaning.values.extend(of_keys(measured));
        meaning
    }

    /// The value of a key of the runs that are compared.
    pub fn value(&self, name: &str) -> &KeyValue {
        match name.strip_suffix(PROJECTIONS_KEY) {
            // One key stands for all three where they are alike.
            Some(_) => self.value_of(&of_matrices(name)[0]),
            None => self.value_of(name),
        }
    }

    /// The same of a key that stands for itself alone.
    pub fn value_of(&self, name: &str) -> &KeyValue {
        let of_run = name.strip_prefix(PARENT).and_then(|rest| rest.strip_prefix('.'));
        match (self.values.get(name), of_run) {
            (Some(value), _) => value,
            // A parent has the value of its branch where nothing else is noted.
            (None, Some(of_run)) if n_parents(name) <= self.n_parents => self.value_of(of_run),
            (None, _) => &KeyValue::NOT_SET,
        }
    }
}

/// So many generations back lies what this is a key of.
fn n_parents(name: &str) -> usize {
    name.split('.').take_while(|part| *part == PARENT).count()
}

/// The keys of W_Q, W_K and W_V in the place of the one of all three.
pub(super) fn of_matrices(of_all: &str) -> [String; 3] {
    WATCHED.map(|matrix| format!("{of_all}.{matrix}"))
}

/// What a run computes, and what its parent has computed otherwise, where that has a config.
fn computed(config: &Table) -> Meaning {
    let mut alike = Table::new();
    for [table, key] in DECIDING {
        let deciding = config.get(table).and_then(|table| table.get(key));
        let below = deciding.map(|value| Table::from_iter([(key.to_owned(), value.clone())]));
        alike.extend(below.map(|below| (table.to_owned(), Value::Table(below))));
    }
    let mut config = config.clone();
    let parent = config.get(PARENT).and_then(Value::as_table).filter(|parent| !parent.contains_key("path"));
    let before = parent.map(computed);
    if before.is_some() {
        config.remove(PARENT);
    }
    // Every value that changes the meaning of a config which has none but those.
    let changes = changes_of_meaning(&config, &alike).into_iter().map(|change| (change.key, change.before));
    let deciding = flatten(&alike).into_iter().map(|(key, value)| (key, Some(value)));
    let mut values: BTreeMap<String, KeyValue> = of_keys(changes.chain(deciding)).collect();
    values.remove(SEED);
    split_projections(&mut values);
    let Some(before) = before else { return Meaning { values, n_parents: 0 } };
    let lacked = values.keys().filter(|key| !before.values.contains_key(*key));
    let lacked: Vec<_> = lacked.map(|key| (key.clone(), KeyValue::NOT_SET)).collect();
    let otherwise = before.values.into_iter().filter(|(key, value)| values.get(key) != Some(value));
    let otherwise: Vec<_> = otherwise.chain(lacked).collect();
    values.extend(otherwise.into_iter().map(|(key, value)| (format!("{PARENT}.{key}"), value)));
    Meaning { values, n_parents: before.n_parents + 1 }
}

fn of_keys(
    values: impl Iterator<Item = (String, Option<Value>)>,
) -> impl Iterator<Item = (String, KeyValue)> {
    values.filter_map(|(path, value)| Some((KeyValue::key(&path).to_owned(), KeyValue::of(value?))))
}
