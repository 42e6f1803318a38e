//! Settings that follow from others.

use std::collections::BTreeSet;

use qkv_inspect::{Key, KeyValue, RunRecord};
use qkv_train::{Reader, Registry};
use toml::{Table, Value};

use super::lineage::{PARENT, filled_in};

const FINGERPRINT: &str = "task.fingerprint";

/// The keys in which runs differ although none of the runs needs them in its config: without the key it is the same,
/// as `model.d_k` follows from `model.n_heads`, or the number of steps is the default of the task.
pub fn derived_keys(runs: &[RunRecord], registry: &Registry) -> BTreeSet<String> {
    let mut reader = registry.reader();
    let names = Key::of(runs).into_iter().map(|key| key.name);
    names.filter(|name| runs.iter().all(|run| follows(run.config(), name, &mut reader))).collect()
}

fn follows(config: &Table, key: &str, reader: &mut Reader<'_>) -> bool {
    let path: Vec<&str> = key.split('.').collect();
    // What a run began with is not in its own settings; a fingerprint follows from a text, which lies anywhere.
    if path[0] == PARENT || key == FINGERPRINT {
        return false;
    }
    let mut without = config.clone();
    without.remove(PARENT);
    remove(&mut without, &path);
    // What cannot be read without the key needs it.
    let after = filled_in(&without.to_string(), reader);
    after.is_some_and(|after| KeyValue::in_config(&after, key) == KeyValue::in_config(config, key))
}

fn remove(table: &mut Table, path: &[&str]) {
    match path {
        [] => {}
        [key] => drop(table.remove(*key)),
        [key, others @ ..] => {
            if let Some(Value::Table(below)) = table.get_mut(*key) {
                remove(below, others);
            }
        }
    }
}
