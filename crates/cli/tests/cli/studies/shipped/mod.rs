//! The studies in `examples/studies`: what they state is what the runs in their tables measured, and they train.

/// Means and ranges over runs.
mod measured;
/// What each study found.
mod results;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use qkv_study::Study;

use self::measured::{Figures, Measured};
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
            result: results::$name,
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
