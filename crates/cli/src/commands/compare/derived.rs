//! Settings that follow from others.

use std::collections::BTreeSet;

use qkv_inspect::{Key, RunRecord};
use qkv_train::{ConfigSource, Reader, Registry};
use toml::{Table, Value};

/// The keys in which runs differ although none of the runs needs them in its config: without the key it is the same,
/// as `model.d_k` follows from `model.n_heads`, or the number of steps is the default of the task.
pub fn derived_keys(runs: &[RunRecord], registry: &Registry) -> BTreeSet<String> {
    let mut reader = registry.reader();
    let names = Key::of(runs).into_iter().map(|key| key.name);
    names.filter(|name| runs.iter().all(|run| follows(run.config(), name, &mut reader))).collect()
}

fn follows(config: &Table, key: &str, reader: &mut Reader<'_>) -> bool {
    let path: Vec<&str> = key.split('.').collect();
    let before = value(config, &path);
    let mut without = config.clone();
    remove(&mut without, &path);
    // What cannot be read without the key needs it.
    let experiment = reader.read(ConfigSource::Run(&without.to_string()), &[] as &[&str]);
    let after = experiment.ok().and_then(|experiment| experiment.config.to_toml().parse::<Table>().ok());
    after.is_some_and(|after| value(&after, &path) == before)
}

fn value<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, others) = path.split_first()?;
    let found = table.get(*first)?;
    if others.is_empty() { Some(found) } else { value(found.as_table()?, others) }
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
