//! Optimizers and schedules in configs: their names, their settings, what stays where another one takes their place, and
//! what becomes of a run with a schedule that gives no factor.

use burn::tensor::Device;
use qkv_model::{Choice, NoSettings};
use qkv_train::{
    Config, ConfigSource, Constant, Linear, Observer, OptimizerConfig, Registry, Reverse, Schedule,
    ScheduleConfig, Sgd, State, TrainError, Trainer, WarmupStableDecay,
};
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
fn the_name_of_a_schedule_stands_under_kind_however_it_is_written() {
    let linear = ScheduleConfig::new("linear", &Linear { warmup_steps: 7, final_factor: 0.0 });
    for name in
        ["schedule.kind=linear", "schedule=linear", "schedule.name=linear", "schedule={kind=\"linear\"}"]
    {
        let config = read("reverse", &[name, "schedule.warmup_steps=7"]).unwrap();
        assert_eq!(config.schedule, linear, "{name}");
        assert!(config.to_toml().contains("[schedule]\nkind = \"linear\"\n"));
    }
    for table in ["schedule = \"linear\"", "schedule.kind = \"linear\"", "schedule = { name = \"linear\" }"] {
        let text = format!("task = \"reverse\"\n{table}\n");
        let read =
            |settings: &[&str]| Registry::new().read(ConfigSource::Toml(&text), settings).unwrap().config;
        assert_eq!(read(&["schedule.warmup_steps=7"]).schedule, linear, "{table}");
        assert_eq!(read(&["schedule=cosine"]).schedule, ScheduleConfig::default(), "{table}");
    }
    let two = "task = \"reverse\"\nschedule = { kind = \"linear\", name = \"cosine\" }\n";
    let error = Registry::new().read(ConfigSource::Toml(two), &[] as &[&str]).unwrap_err().to_string();
    assert_eq!(error, "schedule.kind is \"linear\", but schedule.name is \"cosine\"; leave one of them out");
}

#[test]
fn another_schedule_keeps_the_settings_that_it_has_too() {
    let text = "task = \"reverse\"\n[schedule]\nkind = \"cosine\"\nwarmup_steps = 7\nfinal_factor = 0.25\n";
    let over = |settings: &[&str]| {
        let experiment = Registry::new().read(ConfigSource::Toml(text), settings);
        experiment.map(|experiment| experiment.config.schedule)
    };
    let linear = ScheduleConfig::new("linear", &Linear { warmup_steps: 7, final_factor: 0.25 });
    assert_eq!(over(&["schedule.kind=linear"]).unwrap(), linear);
    let stable = WarmupStableDecay { warmup_steps: 7, decay_share: 0.1, final_factor: 0.25 };
    assert_eq!(
        over(&["schedule=warmup-stable-decay"]).unwrap(),
        ScheduleConfig::new("warmup-stable-decay", &stable)
    );
    let root = over(&["schedule=inverse-square-root"]).unwrap().shape;
    assert_eq!(root.settings.into_iter().collect::<Vec<_>>(), [("warmup_steps".to_owned(), 7.into())]);
    let error = over(&["schedule=inverse-square-root", "schedule.final_factor=0.5"]).unwrap_err().to_string();
    assert!(error.starts_with("unknown key `schedule.final_factor`"), "{error}");
}

#[test]
fn a_schedule_that_is_not_registered_can_be_left_for_one_that_is() {
    let text = "task = \"reverse\"\n[schedule]\nkind = \"stairs\"\nperiod = 7\nwarmup_steps = 3\n";
    let read = |settings: &[&str]| Registry::new().read(ConfigSource::Toml(text), settings);
    assert!(read(&[]).unwrap_err().to_string().starts_with("unknown schedule `stairs`"));
    for name in ["schedule=linear", "schedule.kind=linear", "schedule.name=linear"] {
        let schedule = read(&[name, "schedule.final_factor=0.5"]).unwrap().config.schedule;
        let linear = Linear { warmup_steps: 3, final_factor: 0.5 };
        assert_eq!(schedule, ScheduleConfig::new("linear", &linear), "{name}");
    }
    let error = read(&["schedule=linear", "schedule.period=7"]).unwrap_err().to_string();
    assert!(error.starts_with("unknown key `schedule.period`"), "{error}");
}

#[test]
fn a_setting_that_constant_never_used_is_read_where_it_was_written_and_refused_where_it_is_asked_for() {
    let constant = ScheduleConfig::new("constant", &Constant { warmup_steps: 7 });
    let text = |head: &str, factor: &str| {
        format!(
            "{head}task = \"reverse\"\n[schedule]\nkind = \"constant\"\nwarmup_steps = 7\nfinal_factor = {factor}\n"
        )
    };
    let read = |text: &str| {
        let experiment = Registry::new().read(ConfigSource::Toml(text), &[] as &[&str]);
        experiment.map(|experiment| experiment.config.schedule)
    };
    for factor in ["0.0", "0.5"] {
        assert_eq!(read(&text("format = \"qkv-run-1\"\n", factor)).unwrap(), constant);
    }
    assert_eq!(read(&text("", "0.0")).unwrap(), constant);
    let refusal = "unknown key `schedule.final_factor`: it is a setting of `cosine`, `linear`, \
                   `warmup-stable-decay`, and schedule.kind is `constant`";
    assert_eq!(read(&text("", "0.5")).unwrap_err().to_string(), refusal);
    refused(&["schedule=constant", "schedule.final_factor=0"], refusal);
}

#[test]
fn the_settings_of_a_loss_go_where_another_takes_its_place() {
    let text = "task = \"reverse\"\n[loss]\nname = \"mine\"\nweight = 7\n";
    for name in ["loss=label-smoothing", "loss.name=label-smoothing"] {
        let settings = [name, "loss.smoothing=0.25"];
        let experiment = Registry::new().read(ConfigSource::Toml(text), &settings).unwrap();
        let expected = Choice::new("label-smoothing").with("smoothing", 0.25);
        assert_eq!(experiment.config.loss, expected, "{name}");
    }
}

#[test]
fn the_settings_of_every_part_have_their_ranges() {
    let share = "must be between 0 and 1, got";
    let memory = "must be at least 0 and below 1, got";
    for (part, name, setting, range) in [
        ("optimizer", "adam", "beta_1=1", format!("beta_1 {memory} 1")),
        ("optimizer", "adam", "epsilon=0", "epsilon must be above 0, got 0".to_owned()),
        ("optimizer", "lion", "beta_2=-0.5", format!("beta_2 {memory} -0.5")),
        ("optimizer", "lion", "weight_decay=-1", "weight_decay must be at least 0, got -1".to_owned()),
        ("optimizer", "sgd", "momentum=1", format!("momentum {memory} 1")),
        ("optimizer", "sgd", "weight_decay=-1", "weight_decay must be at least 0, got -1".to_owned()),
        ("optimizer", "muon", "momentum=1.5", format!("momentum {memory} 1.5")),
        (
            "optimizer",
            "muon",
            "newton_schulz_steps=0",
            "newton_schulz_steps must be between 1 and 99, got 0".to_owned(),
        ),
        ("optimizer", "muon", "adam_w_share=0", "adam_w_share must be above 0, got 0".to_owned()),
        ("optimizer", "muon", "epsilon=0", "epsilon must be above 0, got 0".to_owned()),
        ("schedule", "cosine", "final_factor=2", format!("final_factor {share} 2")),
        ("schedule", "linear", "final_factor=2", format!("final_factor {share} 2")),
        ("schedule", "warmup-stable-decay", "final_factor=2", format!("final_factor {share} 2")),
        ("schedule", "warmup-stable-decay", "decay_share=1.5", format!("decay_share {share} 1.5")),
    ] {
        let settings = [format!("{part}={name}"), format!("{part}.{setting}")];
        refused(&settings.each_ref().map(String::as_str), &format!("{part}.{range}"));
    }
    let nesterov = ["optimizer=sgd", "optimizer.nesterov=true", "optimizer.momentum=0"];
    refused(&nesterov, "optimizer.momentum must be above 0 with optimizer.nesterov, got 0");
    let error = read("reverse", &["optimizer=muon", "optimizer.adjust_lr=none"]).unwrap_err().to_string();
    for part in ["optimizer.adjust_lr", "none", "original", "match-rms-adamw", "spectral-unclamped"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn an_unknown_name_is_refused_with_those_that_are_known() {
    for (setting, message) in [
        ("optimizer=adamw", "unknown optimizer `adamw`; choose one of adam, adam-w, lion, muon, sgd"),
        (
            "schedule=wsd",
            "unknown schedule `wsd`; choose one of constant, cosine, inverse-square-root, linear, warmup-stable-decay",
        ),
    ] {
        refused(&[setting], message);
    }
}

/// Settings of a user's optimizer that take a name which belongs to all.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rates {
    lr: f64,
}

/// The same of a schedule.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Kinds {
    kind: String,
}

#[test]
fn a_name_that_is_taken_or_a_setting_that_belongs_to_all_is_refused() {
    for (twice, kind, name) in [
        (Registry::new().optimizer("sgd", Sgd::build), "optimizer", "sgd"),
        (Registry::new().schedule("linear", Linear::build), "schedule", "linear"),
    ] {
        let error = twice.read(ConfigSource::Task("reverse"), &[] as &[&str]).unwrap_err().to_string();
        assert!(error.contains(kind) && error.contains(&format!("`{name}`")), "{error}");
    }
    for (mine, kind, key) in [
        (Registry::new().optimizer("mine", |_: &Rates| Ok(Sgd::default())), "optimizer", "lr"),
        (Registry::new().schedule("mine", |_: &Kinds| Ok(Linear::default())), "schedule", "kind"),
    ] {
        let named = format!("{kind}=mine");
        let error = mine.read(ConfigSource::Task("reverse"), &[named]).unwrap_err().to_string();
        assert_eq!(error, format!("`{key}` is a setting of every {kind}; rename that of `mine` in its type"));
    }
}

/// Gives 1 for two steps, and then something else.
#[derive(Debug)]
struct Breaks(f64);

impl Schedule for Breaks {
    fn factor(&self, step: u64, _steps: u64) -> f64 {
        if step < 2 { 1.0 } else { self.0 }
    }
}

#[test]
fn a_factor_that_is_none_ends_the_run_before_it_spoils_the_weights() {
    for (factor, found) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (-0.5, "-0.5")] {
        let registry = Registry::new().schedule("breaks", move |_: &NoSettings| Ok(Breaks(factor)));
        let settings = ["schedule=breaks", "task.seq_len=3", "train.steps=9", "train.batch_size=2"];
        let experiment = registry.read(ConfigSource::Task("reverse"), &settings).unwrap();
        let device = Device::flex().autodiff();
        let task = Reverse { seq_len: 3, n_symbols: 10 };
        let trainer =
            Trainer::with_parts(experiment.model(&device).unwrap(), &task, experiment.parts, &device)
                .unwrap();
        let mut saved = Saved::default();
        let error = trainer.observe(&mut saved).run().err().expect("the schedule is refused");
        let message = format!(
            "the schedule `breaks` must give a finite factor of at least 0 for every step, but after step 2 of 9 it \
             gives {found}"
        );
        assert_eq!(error.to_string(), message);
        assert_eq!(saved.0, [0, 2]);
    }
}

/// The steps of which a checkpoint was asked for.
#[derive(Default)]
struct Saved(Vec<u64>);

impl<M> Observer<M> for Saved {
    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.0.push(state.step);
        Ok(())
    }
}
