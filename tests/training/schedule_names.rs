//! Schedules in configs: their names, their settings, what stays where another one takes their place, and what becomes
//! of a run with one that gives no factor.

use burn::tensor::Device;
use qkv_model::NoSettings;
use qkv_train::{
    Config, ConfigSource, Linear, Observer, Registry, Reverse, Schedule, ScheduleConfig, State, TrainError,
    Trainer, WarmupStableDecay,
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
fn the_settings_of_every_schedule_have_their_ranges() {
    for (name, setting, range) in [
        ("constant", "final_factor=-0.5", "final_factor must be between 0 and 1, got -0.5"),
        ("cosine", "final_factor=2", "final_factor must be between 0 and 1, got 2"),
        ("linear", "final_factor=2", "final_factor must be between 0 and 1, got 2"),
        ("warmup-stable-decay", "final_factor=2", "final_factor must be between 0 and 1, got 2"),
        ("warmup-stable-decay", "decay_share=1.5", "decay_share must be between 0 and 1, got 1.5"),
    ] {
        let settings = [format!("schedule={name}"), format!("schedule.{setting}")];
        refused(&settings.each_ref().map(String::as_str), &format!("schedule.{range}"));
    }
    refused(
        &["schedule=wsd"],
        "unknown schedule `wsd`; choose one of constant, cosine, inverse-square-root, linear, warmup-stable-decay",
    );
}

/// A user's schedule whose settings take the key of its name.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Kinds {
    kind: String,
}

#[test]
fn a_name_that_is_taken_or_a_setting_that_belongs_to_all_is_refused() {
    let twice = Registry::new().schedule("linear", Linear::build);
    let error = twice.read(ConfigSource::Task("reverse"), &[] as &[&str]).unwrap_err().to_string();
    assert!(error.contains("schedule") && error.contains("`linear`"), "{error}");
    let registry = Registry::new().schedule("mine", |_: &Kinds| Ok(Linear::default()));
    let error = registry.read(ConfigSource::Task("reverse"), &["schedule=mine"]).unwrap_err().to_string();
    assert_eq!(error, "`kind` is a setting of every schedule; rename that of `mine` in its type");
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
