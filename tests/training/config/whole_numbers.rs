//! The range of every whole number that a config can have, in the answer to what cannot stand in its place.

use std::collections::BTreeSet;

use qkv_run::flatten;
use qkv_train::{ConfigSource, Experiment, Registry, TrainError};
use toml::{Table, Value};

/// Of one key of a config.
struct Whole {
    task: &'static str,
    /// What else is set: the part that has the key, or what a task needs.
    with: &'static str,
    key: &'static str,
    /// In the words of the answer.
    range: &'static str,
}

const fn whole(task: &'static str, with: &'static str, key: &'static str, range: &'static str) -> Whole {
    Whole { task, with, key, range }
}

/// Longest sequence, and most symbols.
const LEN: &str = "between 1 and 4096";
const HALF: &str = "between 2 and 2048";
const SYMBOLS: &str = "between 2 and 65536";
/// Of what may be absent, or as long as a reader likes.
const ANY: &str = "of at least 0";
const SOME: &str = "of at least 1";

const TEXT: &str = "task.text=text";

const ALL: &[Whole] = &[
    whole("reverse", "", "seed", ANY),
    whole("reverse", "", "train.steps", SOME),
    whole("reverse", "", "train.batch_size", "between 1 and 1048576"),
    whole("reverse", "", "train.shards", "between 1 and train.batch_size, which is 128"),
    whole("reverse", "train.batch_size=7", "train.shards", "between 1 and train.batch_size, which is 7"),
    whole("reverse", "", "train.eval_every", SOME),
    whole("reverse", "", "train.eval_examples", SOME),
    whole("reverse", "", "train.checkpoint_every", SOME),
    whole("reverse", "", "train.keep", SOME),
    whole("reverse", "", "train.snapshot_every", ANY),
    // 0 is the task's.
    whole("reverse", "", "model.vocab_size", ANY),
    whole("reverse", "", "model.seq_len", ANY),
    whole("reverse", "", "model.d_model", SOME),
    whole("reverse", "", "model.n_heads", SOME),
    whole("reverse", "", "model.n_kv_heads", SOME),
    whole("reverse", "", "model.n_layers", SOME),
    whole("reverse", "", "model.d_k", SOME),
    whole("reverse", "", "model.d_v", SOME),
    whole("reverse", "", "model.d_mlp", ANY),
    whole("reverse", "model.score=additive", "model.score.d_hidden", SOME),
    whole("dates", "model.name=encoder-decoder", "model.n_layers", SOME),
    whole("dates", "model.name=encoder-decoder", "model.d_k", SOME),
    whole("reverse", "optimizer.name=muon", "optimizer.newton_schulz_steps", "between 1 and 99"),
    whole("reverse", "schedule.kind=constant", "schedule.warmup_steps", ANY),
    whole("reverse", "schedule.kind=cosine", "schedule.warmup_steps", ANY),
    whole("reverse", "schedule.kind=inverse-square-root", "schedule.warmup_steps", ANY),
    whole("reverse", "schedule.kind=linear", "schedule.warmup_steps", ANY),
    whole("reverse", "schedule.kind=warmup-stable-decay", "schedule.warmup_steps", ANY),
    whole("chars", TEXT, "task.seq_len", "between 2 and 4096"),
    whole("copy", "", "task.len", HALF),
    whole("copy", "", "task.n_symbols", SYMBOLS),
    whole("dates", "", "task.first_year", "between 1000 and 9999"),
    whole("dates", "task.first_year=1950", "task.last_year", "between 1950 and 9999"),
    whole("induction", "", "task.seq_len", "between 4 and 4096"),
    whole("induction", "task.seq_len=6", "task.n_symbols", "between 3 and 65536"),
    whole("letters", "", "task.seq_len", LEN),
    whole("letters", "", "task.n_symbols", SYMBOLS),
    whole("max", "", "task.len", "between 2 and 4095"),
    whole("max", "", "task.n_symbols", SYMBOLS),
    whole("modular-addition", "", "task.modulus", SYMBOLS),
    whole("recall", "", "task.n_pairs", "between 1 and 2048"),
    whole("recall", "", "task.n_keys", "between 6 and 65536"),
    whole("recall", "", "task.n_values", SYMBOLS),
    whole("recall-interleaved", "", "task.n_pairs", "between 1 and 1365"),
    whole("recall-interleaved", "", "task.n_keys", "between 6 and 65536"),
    whole("recall-interleaved", "", "task.n_values", SYMBOLS),
    whole("reverse", "", "task.seq_len", LEN),
    whole("reverse", "", "task.n_symbols", SYMBOLS),
    whole("sort", "", "task.len", HALF),
    whole("sort", "", "task.n_symbols", SYMBOLS),
    whole("sorted-list", "", "task.len", HALF),
    whole("sorted-list", "", "task.n_symbols", "between 10 and 65536"),
    whole("translate", "", "task.max_len", "between 1 and 2047"),
    whole("translate", "", "task.min_count", SOME),
    whole("translate", "", "task.largest", "between 99 and 999999"),
];

fn registry() -> Registry {
    Registry::with_texts(|_| Ok(b"a text of some letters. ".repeat(40)))
}

fn read(task: &str, settings: &[&str]) -> Result<Experiment, TrainError> {
    let settings: Vec<&str> = settings.iter().copied().filter(|setting| !setting.is_empty()).collect();
    registry().read(ConfigSource::Task(task), &settings)
}

#[track_caller]
fn refusal(task: &str, settings: &[&str]) -> String {
    let error = read(task, settings).map(|_| ()).expect_err("a wrong setting");
    assert!(error.is_usage());
    error.to_string()
}

#[track_caller]
fn check(task: &str, settings: &[&str], message: &str) {
    assert_eq!(refusal(task, settings), message);
}

#[test]
fn every_answer_has_the_range_of_the_key_and_a_number_that_can_stand_there() {
    for &Whole { task, with, key, range } in ALL {
        for (found, shown) in [
            ("abc", "\"abc\""),
            ("1.5", "1.5"),
            ("0.0", "0.0"),
            ("9.0e9", "9000000000.0"),
            ("true", "true"),
            ("[3]", "[3]"),
            ("{a=1}", "{ a = 1 }"),
            ("1979-05-27", "1979-05-27"),
        ] {
            let message = refusal(task, &[with, &format!("{key}={found}")]);
            let begin = format!("{key} must be a whole number {range}, got {shown}; write {key}=");
            let advised = message.strip_prefix(&begin);
            let advised = advised.unwrap_or_else(|| panic!("{begin}…, but it is: {message}"));
            let fits = advised.parse::<u64>().is_ok_and(|number| is_in(number, range));
            assert!(fits, "{message}");
        }
        let below = refusal(task, &[with, &format!("{key}=-1")]);
        let begin = format!("{key} must be ");
        let is_range = |rest: &str| {
            let rest = rest.strip_prefix("a whole number ").unwrap_or(rest);
            rest.strip_prefix("of ")
                .unwrap_or(rest)
                .starts_with(&format!("{}, got -1", range.trim_start_matches("of ")))
        };
        assert!(below.strip_prefix(&begin).is_some_and(is_range), "{below}");
    }
}

fn bounds(range: &str) -> Vec<u64> {
    range.split([' ', ',']).filter_map(|word| word.parse().ok()).collect()
}

fn is_in(number: u64, range: &str) -> bool {
    match bounds(range)[..] {
        [least, most] => (least..=most).contains(&number),
        [least] => number >= least,
        _ => false,
    }
}

#[test]
fn the_range_begins_and_ends_where_numbers_are_refused() {
    for &Whole { task, with, key, range } in ALL {
        let of_range = |number: u64| {
            let error = read(task, &[with, &format!("{key}={number}")]).err().map(|error| error.to_string());
            let range = range.trim_start_matches("of ");
            error.filter(|error| {
                let rest = error.strip_prefix(&format!("{key} must be ")).unwrap_or_default();
                rest.strip_prefix("a whole number of ").unwrap_or(rest).starts_with(range)
            })
        };
        let [least, ref most @ ..] = bounds(range)[..] else { panic!("{range}") };
        assert_eq!(of_range(least), None);
        assert!(least == 0 || of_range(least - 1).is_some(), "{key}");
        for &most in most {
            assert_eq!(of_range(most), None);
            assert!(of_range(most + 1).is_some(), "{key}");
        }
    }
}

/// The tasks, and each part of a model and a training that has a name, with what names it.
fn everything(registry: &Registry) -> Vec<(String, String)> {
    let tasks = registry.task_names().map(|task| {
        let with = if task == "chars" { TEXT } else { "" };
        (task.to_owned(), with.to_owned())
    });
    let parts = registry.known().into_iter().flat_map(|known| {
        let key = match known.kind {
            "task" | "metric" => None,
            "optimizer" | "loss" | "model" => Some(format!("{}.name", known.kind)),
            "schedule" => Some("schedule.kind".to_owned()),
            "attention" => Some("model.layer".to_owned()),
            "norm" => Some("model.norm_kind".to_owned()),
            kind => Some(format!("model.{kind}")),
        };
        // Some models need a task of pairs.
        let task = if known.kind == "model" { "dates" } else { "reverse" };
        let with = move |name: &str| key.as_ref().map(|key| (task.to_owned(), format!("{key}={name}")));
        known.names.into_iter().filter_map(with).collect::<Vec<_>>()
    });
    tasks.chain(parts).collect()
}

/// A key of a task belongs to it, any other to all of them.
fn of_task(task: &str, key: &str) -> (String, String) {
    (if key.starts_with("task.") { task.to_owned() } else { String::new() }, key.to_owned())
}

#[test]
fn no_whole_number_is_left_out() {
    let mut found = BTreeSet::new();
    for (task, with) in everything(&registry()) {
        let config = read(&task, &[&with]).expect("a name of the registry").config.to_toml();
        let config: Table = config.parse().unwrap();
        let whole = flatten(&config).into_iter().filter(|(_, value)| matches!(value, Value::Integer(_)));
        found.extend(whole.map(|(key, _)| of_task(&task, &key)));
    }
    let known: BTreeSet<_> = ALL.iter().map(|one| of_task(one.task, one.key)).collect();
    assert_eq!(found, known);
}

#[test]
fn a_number_below_0_is_answered_like_0() {
    for &Whole { task, with, key, range } in ALL.iter().filter(|one| one.range != ANY) {
        let range = range.trim_start_matches("of ");
        // The type of this one has its range.
        let (kind, advice) = match key {
            "model.score.d_hidden" => ("a whole number of ", format!("; write {key}=32")),
            _ => ("", String::new()),
        };
        for number in [0, -1] {
            let message = format!("{key} must be {kind}{range}, got {number}{advice}");
            check(task, &[with, &format!("{key}={number}")], &message);
        }
    }
    let message =
        "train.snapshot_every must be a whole number of at least 0, got -1; write train.snapshot_every=20";
    check("reverse", &["train.snapshot_every=-1"], message);
}

#[test]
fn the_range_is_known_where_another_value_is_wrong_too() {
    check("reverse", &["train.keep=-1", "train.steps=0"], "train.keep must be at least 1, got -1");
    let message = "model.d_k must be a whole number of at least 1, got \"wide\"; write model.d_k=1";
    check("reverse", &["model.d_k=wide", "model.n_heads=0"], message);
    check("reverse", &["model.d_k=wide", "model.n_layers=few"], message);
    let message = "model.d_k must be a whole number of at least 1, got 1.5; write model.d_k=1";
    let text = "task = \"reverse\"\nmodel.d_k = 1.5\nmodel.n_heads = 0\n";
    let error = registry().read(ConfigSource::Toml(text), &[""; 0]).expect_err("a wrong setting");
    assert_eq!(error.to_string(), message);
}
