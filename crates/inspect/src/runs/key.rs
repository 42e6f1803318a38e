//! The settings in which runs differ.

use std::collections::BTreeSet;

use qkv_run::PROJECTIONS_KEY;
use qkv_run::tensor_names::WATCHED;

use crate::natural_order::NaturalKey;
use crate::runs::key_value::KeyValue;
use crate::runs::meaning::{DECIDING, Meaning, of_matrices};
use crate::runs::record::RunRecord;

/// A setting in which runs differ, with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Dotted path, such as `model.n_heads`.
    pub name: String,
    /// Each once, in their order.
    pub values: Vec<KeyValue>,
}

impl Key {
    /// The keys in which runs differ, apart from their seeds and from settings that change no computation, such as
    /// `train.keep`.
    pub fn of(runs: &[RunRecord]) -> Vec<Self> {
        let meanings: Vec<Meaning> = runs.iter().map(|run| Meaning::of(&run.config)).collect();
        let names = meanings.iter().flat_map(|meaning| meaning.values.keys().cloned());
        let mut names: Vec<String> = names.collect::<BTreeSet<_>>().into_iter().collect();
        names.sort_by_cached_key(|name| NaturalKey::of(name));
        let names = joined(names, &meanings);
        let key = |name: String| {
            let values: BTreeSet<&KeyValue> = meanings.iter().map(|meaning| meaning.value(&name)).collect();
            Self { values: values.into_iter().cloned().collect(), name }
        };
        names.into_iter().map(key).filter(|key| key.values.len() > 1).collect()
    }

    /// Where the value of each run stands among those of each key.
    pub(crate) fn indices(keys: &[Self], runs: &[RunRecord]) -> Vec<Vec<usize>> {
        let of_run = |run: &RunRecord| {
            let meaning = Meaning::of(&run.config);
            let index = |key: &Self| {
                key.values.binary_search(meaning.value(&key.name)).expect("the values of all runs")
            };
            keys.iter().map(index).collect()
        };
        runs.iter().map(of_run).collect()
    }
}

/// One key in the place of those of W_Q, W_K and W_V where they are alike in every run.
fn joined(names: Vec<String>, meanings: &[Meaning]) -> Vec<String> {
    let mut joined = Vec::new();
    for name in names {
        let of_all = WATCHED.iter().find_map(|matrix| {
            let of_all = name.strip_suffix(matrix)?.strip_suffix('.')?;
            of_all.ends_with(PROJECTIONS_KEY).then(|| of_all.to_owned())
        });
        let are_alike = |of_all: &String| {
            let [first, others @ ..] = of_matrices(of_all);
            let alike = |meaning: &Meaning| {
                others.iter().all(|other| meaning.value_of(other) == meaning.value_of(&first))
            };
            meanings.iter().all(alike)
        };
        match of_all.filter(are_alike) {
            Some(of_all) if joined.last() == Some(&of_all) => {}
            Some(of_all) => joined.push(of_all),
            None => joined.push(name),
        }
    }
    joined
}

/// Where texts differ, their paths name them in the place of their fingerprints, unless one file had two texts.
pub(crate) fn name_texts(keys: &mut [Key], runs: &[RunRecord]) {
    let [table, fingerprint] = DECIDING[0];
    let (fingerprint, text) = (format!("{table}.{fingerprint}"), format!("{table}.text"));
    let Some(key) = keys.iter_mut().find(|key| key.name == fingerprint) else { return };
    let path = |value: &KeyValue| {
        let run = runs.iter().find(|run| KeyValue::in_config(&run.config, &fingerprint) == *value)?;
        Some(KeyValue::in_config(&run.config, &text))
    };
    let paths: Vec<KeyValue> = key.values.iter().filter_map(path).collect();
    if paths.iter().collect::<BTreeSet<_>>().len() == key.values.len() {
        *key = Key { name: text, values: paths };
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
        let score = "model.score: additive dot not set";
        assert_eq!(words(&keys), [score, "optimizer.lr: 1e-10 0.5 2 10"]);
        let table = "model.score = { name = \"dot\", sharpness = 2 }";
        let found = Key::of(&[record("f", &config(0, "1e-10", table), &[]), runs[0].clone()]);
        assert_eq!(words(&found), ["model.score.sharpness: 2 not set"]);
        assert_eq!(Key::indices(&keys, &runs)[2..], [vec![2, 3], vec![2, 3], vec![2, 2]]);
        assert_eq!((Key::of(&runs[..1]), Key::of(&runs[2..4]), Key::of(&[])), (vec![], vec![], vec![]));
    }

    #[test]
    fn what_a_key_means_does_not_depend_on_the_runs_beside() {
        let run = |more: &str| record("x", &format!("model.n_heads = 2\n{more}"), &[]);
        let text = |path: &str, fingerprint: &str| {
            run(&format!("[task]\ntext = \"{path}\"\nfingerprint = \"{fingerprint}\""))
        };
        // One text at two places, and another at the first of them.
        let texts = [text("/a", "01"), text("/b", "01"), text("/a", "02")];
        assert_eq!(words(&Key::of(&texts)), ["task.fingerprint: 01 02"]);
        let metrics = |stop_at: f64, metric: &str| {
            run(&format!("[train]\nstop_at = {stop_at:?}\nmetrics = [\"{metric}\"]"))
        };
        let ended = [metrics(0.0, "a"), metrics(0.0, "b"), metrics(0.5, "b")];
        let keys = Key::of(&ended);
        assert_eq!(words(&keys), ["train.metrics: [\"b\"] not set", "train.stop_at: 0 0.5"]);
        let places = Key::indices(&keys, &ended);
        assert!(places[0] == places[1] && places[1] != places[2], "{places:?}");
        let constant = |factor: f64, kind: &str| {
            run(&format!("[schedule]\nkind = \"{kind}\"\nfinal_factor = {factor:?}"))
        };
        let schedules = [constant(0.0, "constant"), constant(0.5, "constant"), constant(0.5, "linear")];
        let places = Key::indices(&Key::of(&schedules), &schedules);
        assert!(places[0] == places[1] && places[1] != places[2], "{places:?}");
    }

    #[test]
    fn projections_are_one_key_unless_a_run_has_its_matrices_each_for_itself() {
        let run = |value: &str| record("x", &format!("model.projections = {value}"), &[]);
        let [learned, frozen] = ["\"learned\"", "\"frozen\""].map(run);
        let each = |w_k: &str| run(&format!("{{ w_q = \"learned\", w_k = \"{w_k}\", w_v = \"learned\" }}"));
        let words_of =
            |runs: &[&RunRecord]| words(&Key::of(&runs.iter().map(|run| (*run).clone()).collect::<Vec<_>>()));
        assert_eq!(words_of(&[&learned, &frozen]), ["model.projections: frozen learned"]);
        assert_eq!(words_of(&[&learned, &each("frozen")]), ["model.projections.w_k: frozen learned"]);
        assert_eq!(words_of(&[&learned, &each("learned")]), [""; 0]);
        let three = [&learned, &frozen, &each("none")];
        assert_eq!(
            words_of(&three),
            [
                "model.projections.w_k: frozen learned none",
                "model.projections.w_q: frozen learned",
                "model.projections.w_v: frozen learned",
            ]
        );
        let runs = [learned.clone(), frozen];
        assert_eq!(Key::indices(&Key::of(&runs), &runs), [[1], [0]]);
        // What a parent has as its branch is no key.
        let branch = |before: &str| {
            let own = "model.projections = \"learned\"";
            record("x", &format!("{own}\n[parent]\nstep = 4\nmodel.projections = {before}"), &[])
        };
        let before = ["\"learned\"", "{ w_q = \"learned\", w_k = \"none\", w_v = \"learned\" }"].map(branch);
        assert_eq!(words(&Key::of(&before)), ["parent.model.projections.w_k: learned none"]);
    }

    #[test]
    fn runs_that_were_evaluated_at_other_steps_are_of_two_settings() {
        let run = |every: u64| record("x", &format!("train.eval_every = {every}\ntrain.stop_at = 0.0"), &[]);
        assert_eq!(words(&Key::of(&[run(10), run(50)])), ["train.eval_every: 10 50"]);
    }

    #[test]
    fn a_parent_counts_by_what_it_computed_otherwise() {
        let run = |parent: &str| {
            let own = "seed = 1\n[optimizer]\nlr = 0.1\n[train]\neval_every = 10\nkeep = 3\n";
            record("x", &format!("{own}{parent}"), &[])
        };
        let parent = |seed: u64, lr: f64, keep: u64| {
            let train = format!("[parent.train]\nkeep = {keep}\neval_every = {keep}");
            run(&format!("[parent]\nstep = 4\nseed = {seed}\n[parent.optimizer]\nlr = {lr}\n{train}"))
        };
        assert_eq!(Key::of(&[parent(0, 0.5, 3), parent(1, 0.5, 9)]), []);
        assert_eq!(
            words(&Key::of(&[parent(0, 0.5, 3), parent(0, 0.1, 3)])),
            ["parent.optimizer.lr: 0.1 0.5"]
        );
        let unknown = |path: &str| run(&format!("[parent]\npath = \"{path}\""));
        assert_eq!(words(&Key::of(&[unknown("/a"), unknown("/b")])), ["parent.path: /a /b"]);
        let mixed = [parent(0, 0.5, 3), unknown("/a")];
        assert_eq!(
            words(&Key::of(&mixed)),
            ["parent.optimizer.lr: 0.5 not set", "parent.path: /a not set", "parent.step: 4 not set"]
        );
    }

    #[test]
    fn branches_of_one_parent_differ_in_what_is_their_own() {
        let run = |own: &str, before: &str| record("x", &format!("{own}\n[parent]\nstep = 4\n{before}"), &[]);
        let lr = |lr: f64| format!("optimizer.lr = {lr:?}");
        let parent = lr(0.005);
        let branches = [0.005, 0.01, 0.02].map(|rate| run(&lr(rate), &parent));
        let keys = Key::of(&branches);
        assert_eq!(words(&keys), ["optimizer.lr: 0.005 0.01 0.02"]);
        assert_eq!(Key::indices(&keys, &branches), [[0], [1], [2]]);
        // Branches of these: one more generation, in which the rate is that of the first parent.
        let second = [0.005, 0.01].map(|rate| {
            let parent = format!("{}\n[parent.parent]\n{parent}", lr(rate));
            run(&lr(0.02), &parent)
        });
        let keys = Key::of(&second);
        assert_eq!(words(&keys), ["parent.optimizer.lr: 0.005 0.01"]);
        // A parent that lacks a key has not the value of its branch.
        let decay = |before: &str| run("optimizer.weight_decay = 0.5", before);
        let lacking = [
            decay("seed = 0"),
            decay("optimizer.weight_decay = 0.5"),
            decay("optimizer.weight_decay = 0.25"),
        ];
        assert_eq!(words(&Key::of(&lacking)), ["parent.optimizer.weight_decay: 0.25 0.5 not set"]);
        // What began with nothing has no parent whose rate could be the same.
        let alone = [record("x", &lr(0.005), &[]), branches[1].clone()];
        assert_eq!(
            words(&Key::of(&alone)),
            ["optimizer.lr: 0.005 0.01", "parent.optimizer.lr: 0.005 not set", "parent.step: 4 not set"]
        );
    }

    fn words(keys: &[Key]) -> Vec<String> {
        let values = |key: &Key| key.values.iter().map(KeyValue::to_string).collect::<Vec<_>>().join(" ");
        keys.iter().map(|key| format!("{}: {}", key.name, values(key))).collect()
    }
}
