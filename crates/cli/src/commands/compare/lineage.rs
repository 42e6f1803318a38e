//! What a branch began with: the settings of its parent in the place of where that lies.
//!
//! Branches of two seeds have two parents, in two folders and with other weights, and still are of one setting if the
//! parents are.

use qkv_run::{Disk, RunFolder, hash_tensors};
use qkv_train::{ConfigSource, Parent, Reader};
use toml::{Table, Value};

/// The table of a config that tells of its parent.
pub const PARENT: &str = "parent";

/// Longest line of parents that is followed.
const MAX_PARENTS: usize = 16;

/// A config with its defaults, where the registry has its names.
pub fn filled_in(config: &str, reader: &mut Reader<'_>) -> Option<Table> {
    let experiment = reader.read(ConfigSource::Run(config), &[] as &[&str]).ok()?;
    experiment.config.to_toml().parse().ok()
}

/// The config with that of its parent, in which `step` and `taken` are what was taken over. One whose parent has gone, or
/// has other weights now, stays as it is.
pub fn with_parents(config: Table, reader: &mut Reader<'_>) -> Table {
    with_at_most(MAX_PARENTS, config, reader)
}

fn with_at_most(n_parents: usize, mut config: Table, reader: &mut Reader<'_>) -> Table {
    let parent = config.get(PARENT).and_then(|parent| parent.clone().try_into::<Parent>().ok());
    let before = parent.filter(|_| n_parents > 0).as_ref().and_then(config_of);
    if let (Some(before), Some(Value::Table(parent))) = (before, config.get_mut(PARENT)) {
        let before = filled_in(&before.to_string(), reader).unwrap_or(before);
        let taken: Vec<_> =
            ["step", "taken"].into_iter().filter_map(|key| parent.remove_entry(key)).collect();
        *parent = with_at_most(n_parents - 1, before, reader);
        parent.extend(taken);
    }
    config
}

/// What made the weights, if they are still there.
fn config_of(parent: &Parent) -> Option<Table> {
    let checkpoint = RunFolder::open(&parent.path).ok()?.at(parent.step?).ok()?;
    let weights = hash_tensors(&Disk, &checkpoint.weights()).ok()?;
    (weights == parent.weights).then(|| checkpoint.description().ok().map(|found| found.config))?
}
