//! In which values two configs differ, and which of them change what a run is.
//!
//! A run is never continued, evaluated or shown as another one, so its `config.toml` has to mean what its checkpoints
//! were made with. A run computes the same with other values of
//!
//! - `train.keep`, `train.checkpoint_every` and `train.snapshot_every`: what is saved of it;
//! - `train.eval_every`, `train.eval_examples`, `train.metrics` and `train.stop_metric`, where no `train.stop_at` makes
//!   its end depend on them;
//! - `task.text` or `task.pairs`, where `task.fingerprint` is the same: a text may be moved;
//! - `schedule.final_factor`, where `schedule.kind` is `constant`: earlier versions wrote it, without any effect.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use toml::{Table, Value};

use super::projections::{has_each_projection, split_projections};

/// One value that is not the same in two configs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Dotted path of the key.
    pub key: String,
    /// In the first; `None` where it has no such key.
    pub before: Option<Value>,
    /// In the second.
    pub now: Option<Value>,
}

impl Display for Difference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<Value>| value.as_ref().map_or("not set".to_owned(), Value::to_string);
        write!(f, "{} was {}, now it is {}", self.key, text(&self.before), text(&self.now))
    }
}

/// What is saved of a run.
const KEPT: [&str; 3] = ["train.keep", "train.checkpoint_every", "train.snapshot_every"];

/// What is measured of it.
const MEASURED: [&str; 4] = ["train.eval_every", "train.eval_examples", "train.metrics", "train.stop_metric"];

const STOP_AT: &str = "train.stop_at";
/// Where a task has its data.
const FILES: [&str; 2] = ["task.text", "task.pairs"];
const FINGERPRINT: &str = "task.fingerprint";
const SCHEDULE: &str = "schedule.kind";
const FINAL_FACTOR: &str = "schedule.final_factor";

/// Every value in which two configs differ. A number is the same whether it is written as `0` or as `0.0`, and so are
/// W_Q, W_K and W_V whether one word is for all of them or one for each.
pub fn differences(before: &Table, now: &Table) -> Vec<Difference> {
    let mut values = [before, now].map(flatten);
    if values.iter().any(has_each_projection) {
        values.iter_mut().for_each(split_projections);
    }
    let [before, now] = values;
    let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let values = keys.into_iter().map(|key| (key, before.get(key), now.get(key)));
    let differing = values.filter(|(_, before, now)| match (before, now) {
        (Some(before), Some(now)) => !is_same(before, now),
        _ => true,
    });
    let difference = |(key, before, now): (&String, Option<&Value>, Option<&Value>)| Difference {
        key: key.clone(),
        before: before.cloned(),
        now: now.cloned(),
    };
    differing.map(difference).collect()
}

/// Those between `before` and `now` that change what a run computes.
pub fn changes_of_meaning(before: &Table, now: &Table) -> Vec<Difference> {
    let may_stop_early = [before, now].iter().any(|config| {
        let stop_at = flatten(config).get(STOP_AT).and_then(number);
        stop_at.is_some_and(|stop_at| stop_at != 0.0)
    });
    let fingerprint = |config| flatten(config).remove(FINGERPRINT);
    let is_same_text = fingerprint(before).is_some() && fingerprint(before) == fingerprint(now);
    let is_constant = |config| flatten(config).remove(SCHEDULE) == Some("constant".into());
    let are_constant = is_constant(before) && is_constant(now);
    let is_harmless = |key: &str| {
        KEPT.contains(&key)
            || (!may_stop_early && MEASURED.contains(&key))
            || (is_same_text && FILES.contains(&key))
            || (are_constant && key == FINAL_FACTOR)
    };
    let mut differences = differences(before, now);
    differences.retain(|difference| !is_harmless(&difference.key));
    differences
}

/// The values that are not tables, by dotted path.
pub fn flatten(table: &Table) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    for (key, value) in table {
        if let Value::Table(table) = value {
            let below = flatten(table).into_iter().map(|(path, value)| (format!("{key}.{path}"), value));
            values.extend(below);
        } else {
            values.insert(key.clone(), value.clone());
        }
    }
    values
}

fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        // Whole numbers of 64 bits, such as seeds, are not all numbers of double precision.
        (Value::Integer(one), Value::Integer(other)) => one == other,
        _ => one == other || number(one).is_some_and(|one| number(other) == Some(one)),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, now: &str, expected: &[&str]) {
        let [before, now] = [before, now].map(|text| text.parse::<Table>().expect("TOML"));
        let found: Vec<String> =
            changes_of_meaning(&before, &now).iter().map(Difference::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn every_key_that_differs_is_named_with_both_values() {
        check(
            "seed = 1\n[optimizer]\nlr = 0.1\n[model]\nname = \"a\"",
            "seed = 2\n[optimizer]\nlr = 0.2\n[model]\nname = \"a\"\nd_k = 3",
            &[
                "model.d_k was not set, now it is 3",
                "optimizer.lr was 0.1, now it is 0.2",
                "seed was 1, now it is 2",
            ],
        );
    }

    #[test]
    fn a_number_is_the_same_however_it_is_written() {
        check("a = 0\nb = [1, 2.0]\nc = 1e-3", "a = 0.0\nb = [1.0, 2]\nc = 0.001", &[]);
        check(
            "a = 9007199254740993",
            "a = 9007199254740992",
            &["a was 9007199254740993, now it is 9007199254740992"],
        );
    }

    #[test]
    fn projections_are_compared_matrix_by_matrix_where_one_side_has_them_so() {
        let each =
            |w_q: &str| format!("model.projections = {{ w_q = \"{w_q}\", w_k = \"none\", w_v = \"none\" }}");
        let all = |word: &str| format!("model.projections = \"{word}\"");
        check(&all("none"), &all("frozen"), &["model.projections was \"none\", now it is \"frozen\""]);
        check(&all("none"), &each("frozen"), &["model.projections.w_q was \"none\", now it is \"frozen\""]);
        check(&each("frozen"), &all("none"), &["model.projections.w_q was \"frozen\", now it is \"none\""]);
        check(&each("none"), &all("none"), &[]);
        check("", &all("none"), &["model.projections was not set, now it is \"none\""]);
    }

    #[test]
    fn what_is_kept_and_measured_of_a_run_may_change_but_not_what_may_end_it() {
        let train = |keep: u64, eval: u64, stop_at: f64| {
            format!("[train]\nkeep = {keep}\neval_every = {eval}\nstop_at = {stop_at:?}")
        };
        check(&train(3, 100, 0.0), &train(9, 50, 0.0), &[]);
        let refused = "train.eval_every was 100, now it is 50";
        check(&train(3, 100, 0.5), &train(9, 50, 0.5), &[refused]);
        check(&train(3, 100, 0.0), &train(9, 50, 0.5), &[refused, "train.stop_at was 0.0, now it is 0.5"]);
        let metrics = |metric: &str, stop_at: f64| {
            format!("[train]\nstop_at = {stop_at:?}\nmetrics = [\"{metric}\"]\nstop_metric = \"{metric}\"")
        };
        check(&metrics("a", 0.0), &metrics("b", 0.0), &[]);
        check(
            &metrics("a", -0.5),
            &metrics("b", -0.5),
            &["train.metrics was [\"a\"], now it is [\"b\"]", "train.stop_metric was \"a\", now it is \"b\""],
        );
    }

    #[test]
    fn a_text_may_move_but_not_change() {
        let task = |text: &str, fingerprint: &str| {
            format!("[task]\ntext = \"{text}\"\nfingerprint = \"{fingerprint}\"")
        };
        check(&task("/a", "01"), &task("/b", "01"), &[]);
        check(
            &task("/a", "01"),
            &task("/b", "02"),
            &["task.fingerprint was \"01\", now it is \"02\"", "task.text was \"/a\", now it is \"/b\""],
        );
    }
}
