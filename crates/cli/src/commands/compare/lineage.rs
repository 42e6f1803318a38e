//! What a branch began with: the settings of its parent in the place of where that lies.
//!
//! Branches of two seeds have two parents, in two folders and with other weights, and still are of one setting if the
//! parents are.

use std::collections::BTreeMap;

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

/// Configs with those of their parents; the weights of a parent are read once, however many branches it has.
pub struct Lineage<'a> {
    /// Reads the configs.
    pub reader: Reader<'a>,
    /// By place and step.
    checkpoints: BTreeMap<(String, u64), Option<Made>>,
}

/// A checkpoint that was found.
struct Made {
    config: Table,
    /// The hash of its weights.
    weights: String,
}

impl<'a> Lineage<'a> {
    pub fn new(reader: Reader<'a>) -> Self {
        Self { reader, checkpoints: BTreeMap::new() }
    }

    /// The config with that of its parent, in which `step` and `taken` are what was taken over. One whose parent is gone
    /// or has other weights now stays as it is.
    pub fn with_parents(&mut self, config: Table) -> Table {
        self.with_at_most(MAX_PARENTS, config)
    }

    fn with_at_most(&mut self, n_parents: usize, mut config: Table) -> Table {
        let parent = config.get(PARENT).and_then(|parent| parent.clone().try_into::<Parent>().ok());
        let before = parent.filter(|_| n_parents > 0).and_then(|parent| self.config_of(parent));
        if let (Some(before), Some(Value::Table(parent))) = (before, config.get_mut(PARENT)) {
            let before = filled_in(&before.to_string(), &mut self.reader).unwrap_or(before);
            let taken: Vec<_> =
                ["step", "taken"].into_iter().filter_map(|key| parent.remove_entry(key)).collect();
            *parent = self.with_at_most(n_parents - 1, before);
            parent.extend(taken);
        }
        config
    }

    /// What made the weights, if they are still there.
    fn config_of(&mut self, Parent { path, step, weights, .. }: Parent) -> Option<Table> {
        let step = step?;
        let found = self.checkpoints.entry((path, step)).or_insert_with_key(|(path, _)| Made::at(path, step));
        found.as_ref().filter(|found| found.weights == weights).map(|found| found.config.clone())
    }
}

impl Made {
    fn at(path: &str, step: u64) -> Option<Self> {
        let checkpoint = RunFolder::open(path).ok()?.at(step).ok()?;
        let weights = hash_tensors(&Disk, &checkpoint.weights()).ok()?;
        Some(Self { config: checkpoint.description().ok()?.config, weights })
    }
}

/// Whether a config [with its parents](Lineage::with_parents) lacks the config of one whose checkpoint is not there now.
pub fn is_cut_off(config: &Table) -> bool {
    let parent = config.get(PARENT).and_then(Value::as_table);
    parent.is_some_and(|parent| {
        ["path", "step"].iter().all(|key| parent.contains_key(*key)) || is_cut_off(parent)
    })
}
