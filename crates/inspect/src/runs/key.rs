//! The settings in which runs differ.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use qkv_run::{changes_of_meaning, flatten};
use toml::Value;

use crate::files::natural_order::NaturalKey;
use crate::runs::record::RunRecord;

/// Runs that differ in nothing else are of one setting.
pub(crate) const SEED: &str = "seed";

/// A setting in which runs differ, with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Dotted path, such as `model.n_heads`.
    pub name: String,
    /// Each once: numbers by size, then words.
    pub values: Vec<String>,
}

/// What stands for the value of a config that lacks the key.
const NOT_SET: &str = "not set";

/// The end of the path under which a table has its name.
const NAME: &str = ".name";

impl Key {
    /// The keys in which runs differ, apart from their seeds and from settings that change no computation, such as
    /// `train.keep`.
    pub fn of(runs: &[RunRecord]) -> Vec<Self> {
        let Some((first, others)) = runs.split_first() else { return Vec::new() };
        let mut names: BTreeSet<String> = BTreeSet::new();
        for other in others {
            let found = changes_of_meaning(&first.config, &other.config);
            names.extend(found.into_iter().map(|difference| named(&difference.key).to_owned()));
        }
        names.remove(SEED);
        let mut names: Vec<String> = names.into_iter().collect();
        names.sort_by_cached_key(|name| NaturalKey::of(name));
        let values = values(runs, &names);
        let key = |(name, mut values): (String, Vec<String>)| {
            values.sort_by(|one, other| order(one, other));
            values.dedup();
            Self { name, values }
        };
        let columns = (0..names.len()).map(|i| values.iter().map(|of_run| of_run[i].clone()).collect());
        names.into_iter().zip(columns.collect::<Vec<_>>()).map(key).collect()
    }

    /// Where the value of each run stands among those of each key.
    pub(crate) fn indices(keys: &[Self], runs: &[RunRecord]) -> Vec<Vec<usize>> {
        let names: Vec<String> = keys.iter().map(|key| key.name.clone()).collect();
        let index = |(key, value): (&Self, &String)| {
            key.values.iter().position(|known| known == value).expect("the values of all runs")
        };
        values(runs, &names).iter().map(|of_run| keys.iter().zip(of_run).map(index).collect()).collect()
    }
}

/// What has settings of its own is a table, whose name is the value of its key: `model.positions` is `rope`.
fn named(key: &str) -> &str {
    key.strip_suffix(NAME).unwrap_or(key)
}

/// The values of the keys in each run.
fn values(runs: &[RunRecord], names: &[String]) -> Vec<Vec<String>> {
    let of_run = |run: &RunRecord| {
        let settings = flatten(&run.config);
        let value = |name: &String| settings.get(name).or_else(|| settings.get(&format!("{name}{NAME}")));
        names.iter().map(|name| value(name).map_or(NOT_SET.to_owned(), text)).collect()
    };
    runs.iter().map(of_run).collect()
}

/// A number is the same whether it is written as `0` or as `0.0`.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        Value::Float(number) => format!("{number:?}"),
        other => other.to_string(),
    }
}

fn order(one: &str, other: &str) -> Ordering {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    match (number(one), number(other)) {
        (Some(a), Some(b)) => a.total_cmp(&b).then_with(|| one.cmp(other)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => one.cmp(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::record;

    #[test]
    fn what_differs_beside_the_seed_is_a_key_with_its_values_in_order() {
        let config = |seed: u64, lr: &str, more: &str| {
            format!(
                "seed = {seed}\ntask.name = \"reverse\"\ntrain.keep = {seed}\noptimizer.lr = {lr}\n{more}"
            )
        };
        let runs = [
            record("a", &config(0, "1e-10", "model.score = \"dot\""), &[]),
            record("b", &config(1, "0.5", "model.score = \"additive\""), &[]),
            record("c", &config(2, "10", ""), &[]),
            record("d", &config(2, "10.0", ""), &[]),
            record("e", &config(2, "2.0", ""), &[]),
        ];
        let keys = Key::of(&runs);
        let found: Vec<(&str, Vec<&str>)> = keys
            .iter()
            .map(|key| (key.name.as_str(), key.values.iter().map(String::as_str).collect()))
            .collect();
        let score = ("model.score", vec!["additive", "dot", NOT_SET]);
        assert_eq!(found, [score, ("optimizer.lr", vec!["1e-10", "0.5", "2", "10"])]);
        let rope = record("f", &config(0, "1.0", "model.score = { name = \"dot\", sharpness = 2 }"), &[]);
        let found = Key::of(&[runs[0].clone(), rope]);
        let found: Vec<_> = found.iter().map(|key| (key.name.as_str(), key.values.join(" "))).collect();
        let sharpness = ("model.score.sharpness", "2 not set".to_owned());
        assert_eq!(found[..2], [("model.score", "dot".to_owned()), sharpness]);
        assert_eq!(Key::indices(&keys, &runs)[2..], [vec![2, 3], vec![2, 3], vec![2, 2]]);
        assert_eq!((Key::of(&runs[..1]), Key::of(&runs[2..4]), Key::of(&[])), (vec![], vec![], vec![]));
    }
}
