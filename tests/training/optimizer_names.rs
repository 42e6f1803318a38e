//! Optimizers in configs: their names, their settings, and what of them stays where another one takes their place.

use qkv_model::Choice;
use qkv_train::{Config, ConfigSource, OptimizerConfig, Registry, Reverse, Sgd, TrainError};
use serde::{Deserialize, Serialize};

fn read(task: &str, settings: &[&str]) -> Result<Config, TrainError> {
    Ok(Registry::new().read(ConfigSource::Task(task), settings)?.config)
}

#[track_caller]
fn refused(settings: &[&str], message: &str) {
    let error = read("reverse", settings).unwrap_err();
    assert_eq!(error.to_string(), message);
    assert!(error.is_usage());
}

#[test]
fn another_optimizer_keeps_the_rate_and_brings_its_own_settings() {
    let optimizer = |settings: &[&str]| read("reverse", settings).unwrap().optimizer;
    let default = OptimizerConfig::default();
    let sgd =
        OptimizerConfig { lr: 5e-3, clip: 1.0, rule: Choice::new("sgd").with_settings(&Sgd::default()) };
    assert_eq!(optimizer(&["optimizer=sgd"]), sgd);
    assert_eq!(optimizer(&["optimizer.name=sgd"]), sgd);
    assert_eq!(optimizer(&["optimizer=adam-w"]), default);
    let mine = OptimizerConfig { lr: 0.1, rule: sgd.rule.clone().with("momentum", 0.5), ..sgd.clone() };
    for order in [
        ["optimizer.momentum=0.5", "optimizer.lr=0.1", "optimizer=sgd"],
        ["optimizer.name=sgd", "optimizer.lr=0.1", "optimizer.momentum=0.5"],
    ] {
        assert_eq!(optimizer(&order), mine);
    }
    // Over a file with another one, or with none, as older runs have it.
    for name in ["", "name = \"adam-w\"\n", "name = \"lion\"\n"] {
        let text =
            format!("task = \"reverse\"\n[optimizer]\n{name}lr = 0.1\nbeta_1 = 0.8\nweight_decay = 0.3\n");
        let over = |settings: &[&str]| {
            let experiment = Registry::new().read(ConfigSource::Toml(&text), settings);
            experiment.map(|experiment| experiment.config.optimizer)
        };
        assert_eq!(over(&[]).unwrap().rule.settings["beta_1"], 0.8);
        assert_eq!(over(&["optimizer=sgd", "optimizer.momentum=0.5"]).unwrap(), mine);
        assert_eq!(over(&["optimizer.name=sgd", "optimizer.momentum=0.5"]).unwrap(), mine);
        let error = over(&["optimizer=sgd", "optimizer.beta_1=0.5"]).unwrap_err().to_string();
        assert!(error.starts_with("unknown key `optimizer.beta_1`"), "{error}");
        // The name that is there changes nothing.
        let same = format!("optimizer={}", over(&[]).unwrap().rule.name);
        assert_eq!(over(&[&same]).unwrap(), over(&[]).unwrap());
    }
    // Over one that the registry does not have.
    let text = "task = \"reverse\"\n[optimizer]\nname = \"signum\"\nlr = 0.1\nmemory = 0.3\n";
    let settings = ["optimizer=sgd", "optimizer.momentum=0.5"];
    let experiment = Registry::new().read(ConfigSource::Toml(text), &settings).unwrap();
    assert_eq!(experiment.config.optimizer, mine);
    // A typing error is one of the optimizer that is there.
    let text = "task = \"reverse\"\n[optimizer]\nmomentun = 0.5\n";
    let error = Registry::new().read(ConfigSource::Toml(text), &["optimizer=sgd"]).unwrap_err().to_string();
    assert_eq!(error, "unknown key `optimizer.momentun`; did you mean `optimizer.momentum`?");
}

#[test]
fn the_defaults_of_a_task_may_name_an_optimizer() {
    let defaults = "task.seq_len = 4\ntask.n_symbols = 3\noptimizer.name = \"sgd\"\noptimizer.momentum = 0.5";
    let registry = Registry::new().task("mine", defaults, |task: &Reverse| Ok(task.clone()));
    let read =
        |settings: &[&str]| registry.read(ConfigSource::Task("mine"), settings).unwrap().config.optimizer;
    let sgd = read(&[]);
    assert_eq!((sgd.lr, &*sgd.rule.name), (5e-3, "sgd"));
    assert_eq!(sgd.rule.settings["momentum"], 0.5);
    assert_eq!(read(&["optimizer=adam-w", "optimizer.lr=0.005"]), OptimizerConfig::default());
}

#[test]
fn the_settings_of_every_optimizer_have_their_ranges() {
    for (name, setting, range) in [
        ("adam", "beta_1=1", "beta_1 must be at least 0 and below 1, got 1"),
        ("adam", "epsilon=0", "epsilon must be above 0, got 0"),
        ("lion", "beta_2=-0.5", "beta_2 must be at least 0 and below 1, got -0.5"),
        ("lion", "weight_decay=-1", "weight_decay must be at least 0, got -1"),
        ("sgd", "momentum=1", "momentum must be at least 0 and below 1, got 1"),
        ("sgd", "weight_decay=-1", "weight_decay must be at least 0, got -1"),
        ("muon", "momentum=1.5", "momentum must be at least 0 and below 1, got 1.5"),
        ("muon", "newton_schulz_steps=0", "newton_schulz_steps must be between 1 and 99, got 0"),
        ("muon", "adam_w_share=0", "adam_w_share must be above 0, got 0"),
        ("muon", "epsilon=0", "epsilon must be above 0, got 0"),
    ] {
        let settings = [format!("optimizer={name}"), format!("optimizer.{setting}")];
        refused(&settings.each_ref().map(String::as_str), &format!("optimizer.{range}"));
    }
    let nesterov = ["optimizer=sgd", "optimizer.nesterov=true", "optimizer.momentum=0"];
    refused(&nesterov, "optimizer.momentum must be above 0 with optimizer.nesterov, got 0");
    let error = read("reverse", &["optimizer=muon", "optimizer.adjust_lr=none"]).unwrap_err().to_string();
    for part in ["optimizer.adjust_lr", "none", "original", "match-rms-adamw", "spectral-unclamped"] {
        assert!(error.contains(part), "{error}");
    }
    refused(&["optimizer=adamw"], "unknown optimizer `adamw`; choose one of adam, adam-w, lion, muon, sgd");
}

/// A user's optimizer whose settings take a name that belongs to all.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rates {
    lr: f64,
}

#[test]
fn a_name_that_is_taken_or_a_setting_that_belongs_to_all_is_refused() {
    let twice = Registry::new().optimizer("sgd", Sgd::build);
    let error = twice.read(ConfigSource::Task("reverse"), &[] as &[&str]).unwrap_err().to_string();
    assert!(error.contains("optimizer") && error.contains("`sgd`"), "{error}");
    let registry = Registry::new().optimizer("mine", |_: &Rates| Ok(Sgd::default()));
    let error = registry.read(ConfigSource::Task("reverse"), &["optimizer=mine"]).unwrap_err().to_string();
    assert_eq!(error, "`lr` is a setting of every optimizer; rename that of `mine` in its type");
}
