//! The studies in `examples/studies`: what they state is what the runs in their tables measured, and they train.

/// Means and ranges over runs.
mod measured;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use qkv_study::Study;

use self::measured::{Figures, Measured, share};
use crate::support::sandbox::Sandbox;

const README: &str = include_str!("../../../../../../examples/studies/README.md");

/// A study with the table of its runs.
struct Shipped {
    name: &'static str,
    text: &'static str,
    table: &'static str,
    /// Its result in a sentence, with the figures of the table.
    result: fn(&Shipped) -> String,
}

macro_rules! shipped {
    ($name:ident) => {
        Shipped {
            name: stringify!($name),
            text: include_str!(concat!("../../../../../../examples/studies/", stringify!($name), ".toml")),
            table: include_str!(concat!("../../../../../../examples/studies/", stringify!($name), ".csv")),
            result: $name,
        }
    };
}

const STUDIES: [Shipped; 6] = [
    shipped!(projections),
    shipped!(matrices),
    shipped!(scaling),
    shipped!(heads),
    shipped!(scores),
    shipped!(layers),
];

#[test]
fn a_table_has_every_run_of_its_study_and_no_other() {
    for study in &STUDIES {
        let runs = study.study().runs().unwrap();
        let names: BTreeSet<String> = runs.iter().map(|run| run.folder_name()).collect();
        assert_eq!(study.rows().into_keys().collect::<BTreeSet<_>>(), names, "{}", study.name);
        let mut seeds: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for run in &runs {
            let labels = run.labels().into_iter().filter(|label| !label.starts_with("seed="));
            *seeds.entry(labels.collect()).or_default() += 1;
        }
        assert!(seeds.values().all(|&n| n >= 3), "{}: {seeds:?}", study.name);
        let (count, folder) =
            (format!("{} runs", names.len()), format!("[`{0}.toml`]({0}.toml)", study.name));
        assert!(study.comment().contains(&count), "{} has {count}", study.name);
        assert!(README.contains(&folder), "no row has {folder}");
        for command in [
            format!("sweep examples/studies/{}.toml", study.name),
            format!("compare runs/{0} --out {0}.html", study.name),
        ] {
            assert!(study.comment().contains(&command), "{} lacks `{command}`", study.name);
        }
    }
}

/// Where they lie.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/studies")
}

#[test]
fn every_study_of_the_folder_is_one_of_them() {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let studies = files.filter(|file| file.extension().is_some_and(|extension| extension == "toml"));
    let names: BTreeSet<_> =
        studies.map(|file| file.file_stem().unwrap().to_owned().into_string().unwrap()).collect();
    assert_eq!(names, STUDIES.iter().map(|study| study.name.to_owned()).collect());
}

#[test]
fn every_link_of_the_page_leads_to_a_file() {
    let links: Vec<_> = README.split("](").skip(1).map(|link| link.split(')').next().unwrap()).collect();
    assert_eq!(links.len(), 1 + 3 * STUDIES.len());
    for link in links {
        assert!(folder().join(link).is_file(), "{link}");
    }
}

#[test]
fn a_study_states_what_its_runs_measured() {
    for study in &STUDIES {
        let result = (study.result)(study);
        assert!(study.comment().contains(&result), "{}.toml: the runs measured\n{result}", study.name);
        assert!(README.contains(&result), "README.md, {}: the runs measured\n{result}", study.name);
    }
}

fn projections(study: &Shipped) -> String {
    let accuracy = |task, projections, positions| {
        let labels = [
            &format!("task.name={task}"),
            &format!("model.projections={projections}"),
            &format!("model.positions={positions}"),
        ];
        study.with(&labels.map(String::as_str)).accuracy()
    };
    let frozen = ["reverse", "copy", "recall"]
        .map(|task| format!("{} in `{task}`", accuracy(task, "frozen", "sinusoidal")))
        .join(", ");
    format!(
        "with sinusoidal positions, learned matrices reach {} in all three tasks, frozen ones {frozen}; without any, no task \
         gets past {}, whatever the positions. Learned positions let frozen matrices copy, {}, and mostly reverse, {}, but \
         not recall, {}; RoPE, which has only distances, lets learned ones copy, {}, but not reverse, {}",
        study.with(&["model.projections=learned", "model.positions=sinusoidal"]).accuracy(),
        share(study.with(&["model.projections=none"]).spread("accuracy").most),
        accuracy("copy", "frozen", "learned"),
        accuracy("reverse", "frozen", "learned"),
        accuracy("recall", "frozen", "learned"),
        accuracy("copy", "learned", "rope"),
        accuracy("reverse", "learned", "rope"),
    )
}

fn matrices(study: &Shipped) -> String {
    let word = |matrix: &str, word: &str| format!("model.projections.{matrix}={word}");
    // Runs in which one of W_Q and W_K has one word, and the other of them the other word.
    let either = |one: &str, other: &str| {
        let runs = |w_q: &str, w_k: &str| study.with(&[&word("w_q", w_q), &word("w_k", w_k)]).0;
        Measured(if one == other { runs(one, one) } else { [runs(one, other), runs(other, one)].concat() })
    };
    let both = |w_v: &str| {
        study.with(&[&word("w_q", "learned"), &word("w_k", "learned"), &word("w_v", w_v)]).steps()
    };
    let without = [either("none", "none"), either("none", "frozen"), either("frozen", "frozen")];
    let without = Measured(without.into_iter().flat_map(|runs| runs.0).collect());
    format!(
        "with W_Q and W_K learned, `reverse` reaches {} whatever W_V is: after {} steps where W_V is learned, {} where it is \
         frozen, {} where it is absent. With one of the two learned it reaches {} beside an absent one and {} beside a frozen \
         one. With neither, no run gets past {}, learned W_V or not",
        either("learned", "learned").accuracy(),
        both("learned"),
        both("frozen"),
        both("none"),
        either("learned", "none").accuracy(),
        either("learned", "frozen").accuracy(),
        share(without.spread("accuracy").most),
    )
}

/// The accuracy of a phase change.
fn is_passed(accuracy: f64) -> bool {
    accuracy >= 0.9
}

fn scaling(study: &Shipped) -> String {
    let adam_w = "optimizer.name=adam-w";
    let steps = |score: &str, d_k| {
        study.with(&[adam_w, &format!("model.score={score}"), &format!("model.d_k={d_k}")]).steps()
    };
    let unscaled = ["optimizer.lr=0.5", "model.score=dot"];
    let at = |d_k| study.with(&[unscaled[0], unscaled[1], &format!("model.d_k={d_k}")]).accuracy();
    let never_pass = study.counts(&unscaled, "model.d_k", |run| run["phase_change"].is_none());
    let stay = study.counts(&unscaled, "model.d_k", |run| run["accuracy"].is_some_and(is_passed));
    format!(
        "with AdamW every run reaches {}, but at d_k 512 the unscaled score takes {} steps and the scaled one {}; at d_k 4 it \
         is {} and {}. SGD reaches {} at a rate of 0.1, scaled or not. At 0.5 the scaled score still reaches {}; without the \
         factor {} runs pass 0.9 as well, all but {never_pass}, and {} stay there, {stay}; d_k 4 ends at {}, 64 at {}, 512 at \
         {}",
        study.with(&[adam_w]).accuracy(),
        steps("dot", 512),
        steps("scaled-dot", 512),
        steps("dot", 4),
        steps("scaled-dot", 4),
        study.with(&["optimizer.lr=0.1"]).accuracy(),
        study.with(&["optimizer.lr=0.5", "model.score=scaled-dot"]).accuracy(),
        study.with(&unscaled).share_with("phase_change", f64::is_finite),
        study.with(&unscaled).share_with("accuracy", is_passed),
        at(4),
        at(64),
        at(512),
    )
}

fn heads(study: &Shipped) -> String {
    let with = |task: &str, n_heads| study.with(&[task, &format!("model.n_heads={n_heads}")]);
    let found = |n_heads| {
        let runs = with("task.name=recall", n_heads);
        format!("{}, after {} steps", runs.share_with("phase_change", f64::is_finite), runs.steps())
    };
    format!(
        "in `recall`, {} runs with one head find the keys, after {} steps, with two {}, with four {}, and with eight {}; in \
         `reverse`, where every position has one other to look at, one head takes {} steps, and eight take {} steps",
        with("task.name=recall", 1).share_with("phase_change", f64::is_finite),
        with("task.name=recall", 1).steps(),
        found(2),
        found(4),
        found(8),
        with("task.name=reverse", 1).steps(),
        with("task.name=reverse", 8).steps(),
    )
}

fn scores(study: &Shipped) -> String {
    let of_each = |task: &str, d_k| {
        ["scaled-dot", "dot", "additive"]
            .map(|score| study.with(&[task, &format!("model.d_k={d_k}"), &format!("model.score={score}")]))
    };
    let recall = |d_k| {
        let [scaled, unscaled, additive] = of_each("task.name=recall", d_k).map(|runs| runs.accuracy());
        format!("{scaled} scaled, {unscaled} unscaled, {additive} additive")
    };
    let reverse = |d_k| {
        let [scaled, unscaled, additive] = of_each("task.name=reverse", d_k).map(|runs| runs.steps());
        format!("{scaled}, {unscaled} and {additive} steps with d_k {d_k}")
    };
    format!(
        "`recall` with d_k 8: {}; with d_k 64: {}. `reverse` reaches {} with each, after {}, and {}",
        recall(8),
        recall(64),
        study.with(&["task.name=reverse"]).accuracy(),
        reverse(8),
        reverse(64),
    )
}

fn layers(study: &Shipped) -> String {
    let one = |task: &str, heads: &str| study.with(&[task, "model.n_layers=1", heads]).accuracy();
    let (interleaved, induction) = ("task.name=recall-interleaved", "task.name=induction");
    format!(
        "one layer stays at {} in `recall-interleaved` and at {} in `induction`, with four heads at {} and {}; two layers \
         reach {} in every task, with a phase change after {} and {} steps. In `recall`, where a value stands with its key, \
         one layer is enough: {}",
        one(interleaved, "model.n_heads=1"),
        one(induction, "model.n_heads=1"),
        one(interleaved, "model.n_heads=4"),
        one(induction, "model.n_heads=4"),
        study.with(&["model.n_layers=2"]).accuracy(),
        study.with(&[interleaved, "model.n_layers=2"]).steps(),
        study.with(&[induction, "model.n_layers=2"]).steps(),
        study.with(&["task.name=recall", "model.n_layers=1"]).accuracy(),
    )
}

#[test]
fn the_first_run_of_each_setting_trains() {
    let sandbox = Sandbox::new();
    for study in &STUDIES {
        let mut short: toml::Table = study.text.parse().unwrap();
        let train = short["train"].as_table_mut().unwrap();
        for (key, value) in [("steps", 2), ("eval_every", 2), ("eval_examples", 10)] {
            train.insert(key.to_owned(), value.into());
        }
        short["sweep"].as_table_mut().unwrap().insert("seed".to_owned(), vec![0].into());
        let n_settings = Study::parse(&short.to_string()).unwrap().runs().unwrap().len();
        sandbox.write("short.toml", short.to_string());
        let swept = sandbox.succeeds(&format!("sweep short.toml --out {} --json", study.name)).events();
        assert_eq!(swept.len(), n_settings, "{}", study.name);
        for run in swept {
            assert!(run["event"] == "done" && run["step"] == 2, "{}: {run}", study.name);
        }
    }
}

impl Shipped {
    fn study(&self) -> Study {
        Study::parse(self.text).unwrap()
    }

    /// The comment above the study, as one line.
    fn comment(&self) -> String {
        let lines = self.text.lines().map_while(|line| line.strip_prefix('#'));
        lines.map(str::trim).collect::<Vec<_>>().join(" ")
    }

    /// What each run measured, by the name of its folder.
    fn rows(&self) -> BTreeMap<String, Figures> {
        let mut lines = self.table.split_terminator("\r\n");
        let (_, names) = lines.next().unwrap().split_once(",path,").unwrap();
        let row = |line: &str| {
            let [_, path, figures] = line.split('"').collect::<Vec<_>>()[..] else {
                panic!("one quoted path: {line}")
            };
            let name = path.strip_prefix(self.name).and_then(|name| name.strip_prefix('/')).unwrap();
            let figures = figures.strip_prefix(',').unwrap().split(',').map(|figure| figure.parse().ok());
            (name.to_owned(), names.split(',').map(str::to_owned).zip(figures).collect())
        };
        lines.map(row).collect()
    }

    /// The runs that have all of `labels`, such as `model.d_k=4`.
    #[track_caller]
    fn with(&self, labels: &[&str]) -> Measured {
        let found: Vec<_> = self.rows_with(labels).map(|(_, figures)| figures).collect();
        assert!(found.len() >= 3, "{} has {} runs with {labels:?}", self.name, found.len());
        Measured(found)
    }

    /// How many of the runs that have all of `labels` measured such figures, by the value of a key: `2 of d_k 512`.
    fn counts(&self, labels: &[&str], key: &str, such: fn(&Figures) -> bool) -> String {
        let mut counts = BTreeMap::<u64, usize>::new();
        for (name, _) in self.rows_with(labels).filter(|(_, figures)| such(figures)) {
            let of_key = |label: &str| label.strip_prefix(key)?.strip_prefix('=')?.parse().ok();
            let value = name.split(',').find_map(of_key);
            *counts.entry(value.unwrap_or_else(|| panic!("no number of {key} in {name}"))).or_default() += 1;
        }
        let key = key.rsplit('.').next().unwrap();
        counts.iter().map(|(value, n)| format!("{n} of {key} {value}")).collect::<Vec<_>>().join(" and ")
    }

    fn rows_with(&self, labels: &[&str]) -> impl Iterator<Item = (String, Figures)> {
        let has = |name: &str| labels.iter().all(|label| name.split(',').any(|of_run| of_run == *label));
        self.rows().into_iter().filter(move |(name, _)| has(name))
    }
}
