//! Configs: what is left out, what is mistyped, and what a run writes down.

use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Device;
use qkv_model::{Projection, Projections, TransformerConfig};
use qkv_train::{Config, ConfigSource, Recipe, Registry, Reverse, TrainError};

use crate::support::layers::{additive, dot, scaled_by};

fn read(task: &str, settings: &[&str]) -> Result<Config, TrainError> {
    Ok(Registry::new().read(ConfigSource::Task(task), settings)?.config)
}

fn model(config: &Config) -> TransformerConfig {
    config.model.read("model").unwrap()
}

/// What a task needs beside its defaults.
fn needed(task: &str) -> &'static [&'static str] {
    match task {
        "chars" => &[concat!("task.text=", env!("CARGO_MANIFEST_DIR"), "/training/configs.rs")],
        _ => &[],
    }
}

#[track_caller]
fn refused(settings: &[&str], message: &str) {
    let error = read("reverse", settings).unwrap_err();
    assert_eq!(error.to_string(), message);
    assert!(error.is_usage());
}

#[test]
fn every_task_has_defaults_that_hold_together() {
    let registry = Registry::new();
    let names: Vec<_> = registry.task_names().collect();
    assert_eq!(
        names,
        [
            "chars",
            "copy",
            "dates",
            "induction",
            "letters",
            "max",
            "modular-addition",
            "recall",
            "recall-interleaved",
            "reverse",
            "sort",
            "sorted-list",
            "translate"
        ]
    );
    for name in names {
        let experiment = registry.read(ConfigSource::Task(name), needed(name)).unwrap();
        assert_eq!(experiment.config.task.name, name);
    }
}

#[test]
fn what_a_run_writes_down_is_the_same_run() {
    let registry = Registry::new();
    for name in registry.task_names() {
        for settings in [
            &[][..],
            &["model.score=additive", "model.score.d_hidden=7", "seed=3"],
            &["optimizer.lr=1e-30"],
            &["model.positions=rope", "model.positions.base=500", "model.softmax=quiet", "model.softcap=30"],
            &["model.n_heads=4", "model.n_kv_heads=2", "model.qk_norm=true", "model.norm_kind=rms"],
            &["model.projections.w_q=frozen", "model.projections.w_v=none"],
        ] {
            let config = read(name, &[settings, needed(name)].concat()).unwrap();
            let again = registry.read(ConfigSource::Toml(&config.to_toml()), &[] as &[&str]).unwrap();
            assert_eq!(again.config, config);
        }
    }
}

#[test]
fn open_values_follow_the_others() {
    let config = read("reverse", &["model.d_model=48", "model.n_heads=3", "task.seq_len=9"]).unwrap();
    let model = model(&config);
    assert_eq!((model.d_k, model.d_v, model.n_kv_heads), (Some(16), Some(16), Some(3)));
    assert_eq!((model.seq_len, model.vocab_size), (9, 10));
}

#[test]
fn a_file_needs_to_say_only_what_is_different() {
    let text = "[task]\nname = \"sort\"\n[model]\nprojections = \"frozen\"";
    let config = Registry::new().read(ConfigSource::Toml(text), &["train.steps=7"]).unwrap().config;
    let default = read("sort", &[]).unwrap();
    assert_eq!((model(&config).projections, config.train.steps), (Projections::all(Projection::Frozen), 7));
    assert_eq!(config.optimizer, default.optimizer);
}

#[test]
fn matrices_are_set_by_one_word_or_each_by_its_own() {
    use Projection::{Frozen, Learned, None};
    let projections = |settings: &[&str]| model(&read("reverse", settings).unwrap()).projections;
    let mixed = |w_q, w_k, w_v| Projections { w_q, w_k, w_v };
    for (settings, expected) in [
        (&[][..], Projections::all(Learned)),
        (&["model.projections.w_q=frozen"], mixed(Frozen, Learned, Learned)),
        (&["model.projections={ w_k = 'none' }"], mixed(Learned, None, Learned)),
        // Each goes on top of what stood there.
        (&["model.projections=frozen", "model.projections.w_v=learned"], mixed(Frozen, Frozen, Learned)),
        (&["model.projections.w_v=none", "model.projections.w_q=frozen"], mixed(Frozen, Learned, None)),
        (&["model.projections.w_v=none", "model.projections=frozen"], Projections::all(Frozen)),
    ] {
        assert_eq!(projections(settings), expected, "{settings:?}");
    }
    let of_file = |text: &str, settings: &[&str]| {
        let text = format!("task = \"sort\"\n[model]\n{text}");
        model(&Registry::new().read(ConfigSource::Toml(&text), settings).unwrap().config).projections
    };
    let table = "projections = { w_q = \"none\", w_v = \"frozen\" }";
    assert_eq!(of_file(table, &[]), mixed(None, Learned, Frozen));
    assert_eq!(of_file(table, &["model.projections.w_k=frozen"]), mixed(None, Frozen, Frozen));
    assert_eq!(of_file(table, &["model.projections=none"]), Projections::all(None));
    assert_eq!(
        of_file("projections = \"none\"", &["model.projections.w_k=frozen"]),
        mixed(None, Frozen, None)
    );
    assert_eq!(of_file("[model.projections]\nw_k = \"frozen\"", &[]), mixed(Learned, Frozen, Learned));
}

#[test]
fn a_config_has_one_word_for_all_matrices_where_one_is_enough() {
    for word in ["learned", "frozen", "none"] {
        let each = ["w_q", "w_k", "w_v"].map(|matrix| format!("model.projections.{matrix}={word}"));
        let each = read("reverse", &each.each_ref().map(String::as_str)).unwrap();
        let all = read("reverse", &[&format!("model.projections={word}")]).unwrap();
        assert_eq!(each.to_toml(), all.to_toml());
        assert!(all.to_toml().contains(&format!("\nprojections = \"{word}\"\n")), "{}", all.to_toml());
    }
    let mixed = read("reverse", &["model.projections.w_k=frozen"]).unwrap().to_toml();
    let table = "\n[model.projections]\nw_k = \"frozen\"\nw_q = \"learned\"\nw_v = \"learned\"\n";
    assert!(mixed.contains(table), "{mixed}");
    let again = Registry::new().read(ConfigSource::Run(&mixed), &[] as &[&str]).unwrap().config;
    assert_eq!(again.to_toml(), mixed);
}

#[test]
fn settings_are_toml_or_plain_names() {
    let score = |setting| model(&read("reverse", &[setting]).unwrap()).score;
    assert_eq!(score("model.score=dot"), dot());
    assert_eq!(score("model.score=\"dot\""), dot());
    assert_eq!(score("model.score={ name = 'additive', d_hidden = 16 }"), additive(16));
    // Settings without a name belong to the score that is there.
    assert_eq!(score("model.score.scale=0.5"), scaled_by(0.5));
    assert_eq!(score("model.score=additive"), additive(32));
    assert_eq!(read("reverse", &["train.steps=5 # note"]).unwrap().train.steps, 5);
    // A whole number where a fraction is expected.
    assert_eq!(read("reverse", &["optimizer.clip=2"]).unwrap().optimizer.clip, 2.0);
}

#[test]
fn a_value_out_of_range_is_named_with_its_range() {
    refused(&["optimizer.lr=0"], "optimizer.lr must be above 0, got 0");
    refused(&["optimizer.lr=nan"], "optimizer.lr must be above 0 and finite, got NaN");
    refused(&["optimizer.beta_2=1"], "optimizer.beta_2 must be at least 0 and below 1, got 1");
    refused(&["train.steps=0"], "train.steps must be at least 1, got 0");
    refused(&["task.n_symbols=1"], "task.n_symbols must be between 2 and 65536, got 1");
    refused(&["model.dropout=1"], "model.dropout must be at least 0 and below 1, got 1");
    refused(
        &["model.n_heads=5"],
        "model.d_model = 32 is not a multiple of n_heads = 5; set d_k and d_v, or change one of the two",
    );
    refused(
        &["model.seq_len=5"],
        "model.seq_len is 5, but the task needs 16; leave it out to follow the task",
    );
}

#[test]
fn what_is_no_config_says_so() {
    refused(&["train.steps"], "`train.steps` is not an assignment; write `key=value`");
    let error = read("revers", &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown task `revers`; choose one of chars, copy, dates, induction, letters, max, modular-addition, \
         recall, recall-interleaved, reverse, sort, sorted-list, translate"
    );
    let error = Registry::new().read(ConfigSource::Toml("seed = 1"), &[] as &[&str]).unwrap_err();
    assert!(error.to_string().starts_with("the config names no task"), "{error}");
    for (text, key, or_table) in
        [("task = 3", "task", ", or a table with one"), ("task.name = 3", "task.name", "")]
    {
        let error = Registry::new().read(ConfigSource::Toml(text), &[] as &[&str]).unwrap_err();
        let expected = format!("{key} must be a name in quotes{or_table}, got 3; write {key}=\"reverse\"");
        assert_eq!(error.to_string(), expected);
    }
    for text in ["seed = ", "[task", "\u{0}"] {
        let error = Registry::new().read(ConfigSource::Toml(text), &[] as &[&str]).unwrap_err().to_string();
        assert!(!error.contains('\n') && error.contains("TOML"), "{error}");
    }
    let error = read("reverse", &["model.d_model=wide"]).unwrap_err().to_string();
    assert!(error.contains("wide") && error.contains("d_model") && !error.contains('\n'), "{error}");
}

#[test]
fn the_default_recipe_is_that_of_the_main_job() {
    assert_eq!(read("reverse", &[]).unwrap().recipe(), Recipe::default());
}

#[test]
fn sizes_that_no_machine_holds_are_refused() {
    refused(&["model.d_model=100000000"], "model.d_model must be at most 1048576, got 100000000");
    refused(
        &["model.n_heads=4", "model.d_v=4611686018427387912"],
        "model.d_v must be at most 1048576, got 4611686018427387912",
    );
    refused(
        &["model.n_layers=1000000"],
        "the number of parameters must be at most 1073741824, got 3072001152",
    );
    refused(
        &["task.seq_len=4096", "train.batch_size=128"],
        "train.batch_size must be at most 64 for attention maps of this size, got 128",
    );
}

#[test]
fn settings_and_their_name_can_be_set_in_any_order() {
    let width = |settings: &[&str]| model(&read("reverse", settings).unwrap()).score;
    let expected = additive(8);
    assert_eq!(width(&["model.score=additive", "model.score.d_hidden=8"]), expected);
    assert_eq!(width(&["model.score.d_hidden=8", "model.score=additive"]), expected);
    assert_eq!(width(&["model.score.name=additive", "model.score.d_hidden=8"]), expected);
}

#[test]
fn a_task_may_be_written_by_its_name_alone() {
    let registry = Registry::new();
    let short = registry.read(ConfigSource::Toml("task = \"reverse\""), &[] as &[&str]).unwrap();
    assert_eq!(short.config, read("reverse", &[]).unwrap());
}

#[test]
fn a_task_is_built_once_for_the_runs_that_share_its_settings() {
    static N_BUILT: AtomicUsize = AtomicUsize::new(0);
    let defaults = "task.seq_len = 4\ntask.n_symbols = 3";
    let registry = Registry::new().task("counted", defaults, |task: &Reverse| {
        N_BUILT.fetch_add(1, Ordering::Relaxed);
        Ok(task.clone())
    });
    let mut reader = registry.reader();
    let mut n_built_after = |settings: &[&str]| {
        let experiment = reader.read(ConfigSource::Task("counted"), settings).unwrap();
        experiment.model(&Device::flex()).unwrap();
        N_BUILT.load(Ordering::Relaxed)
    };
    assert_eq!(n_built_after(&["seed=1"]), 1);
    assert_eq!(n_built_after(&["seed=2", "optimizer.lr=0.1", "model.d_model=16"]), 1);
    assert_eq!(n_built_after(&["task.seq_len=5"]), 2);
    assert_eq!(n_built_after(&["task.seq_len=4"]), 2);
}
