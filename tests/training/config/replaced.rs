//! Settings belong to a name: they go where another one takes its place, whatever it names and however it is written.

use qkv_model::{Choice, Dot, Gelu, MaskConfig, NoPositions, Norm, NormKind};
use qkv_train::{Config, ConfigSource, Registry, Reverse, TrainError};
use serde::{Deserialize, Serialize};

/// The setting of a user's part.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Mine {
    width: usize,
}

/// The keys of a model's table that name something, each with a built-in name.
const NESTED: [(&str, &str); 6] = [
    ("layer", "self-attention"),
    ("score", "dot"),
    ("positions", "alibi"),
    ("mask", "causal"),
    ("norm_kind", "rms"),
    ("activation", "relu"),
];

/// A registry with a part of the name `mine` for each of them, and a task of which the defaults have those, too.
fn registry() -> Registry {
    let names = NESTED.map(|(key, _)| format!("{key} = {{ name = \"mine\", width = 5 }}\n"));
    let defaults = format!("task.seq_len = 4\ntask.n_symbols = 3\n[model]\n{}", names.concat());
    Registry::new()
        .attention("mine", |_: &Mine, init, config, catalog| config.init_with(init, catalog))
        .score("mine", |_: &Mine, _, _| Ok(Dot {}))
        .positions("mine", |_: &Mine, _, _| Ok(None::<NoPositions>))
        .mask("mine", |_: &Mine| Ok(MaskConfig::None))
        .norm("mine", |_: &Mine, init, width| Ok(Norm::new(NormKind::Layer, init, width)))
        .activation("mine", |_: &Mine, _, _| Ok(Gelu {}))
        .task("of-mine", &defaults, |task: &Reverse| Ok(task.clone()))
}

fn read(text: &str, settings: &[&str]) -> Result<Config, TrainError> {
    Ok(registry().read(ConfigSource::Toml(text), settings)?.config)
}

/// What a model has under a key.
fn part(config: &Config, key: &str) -> Choice {
    serde_json::from_value(config.model.settings[key].clone()).unwrap()
}

#[test]
fn a_name_in_the_table_of_a_model_takes_no_settings_of_another_one() {
    let mine = Choice::new("mine").with("width", 7);
    for (key, name) in NESTED {
        let file = format!("task = \"reverse\"\n[model.{key}]\nname = \"mine\"\nwidth = 7\n");
        assert_eq!(part(&read(&file, &[]).unwrap(), key), mine);
        let other = part(&read("task = \"reverse\"", &[&format!("model.{key}={name}")]).unwrap(), key);
        assert_eq!(other.name, name);
        // By a setting over a file, over the defaults of a task, and over both.
        let of_task = "task = \"of-mine\"\n".to_owned();
        let unnamed = format!("{of_task}[model.{key}]\nwidth = 7\n");
        assert_eq!(part(&read(&unnamed, &[]).unwrap(), key), mine);
        for text in [&file, &of_task, &unnamed] {
            for setting in [format!("model.{key}.name={name}"), format!("model.{key}={name}")] {
                let config = read(text, &[&setting]).unwrap_or_else(|error| panic!("{setting}: {error}"));
                assert_eq!(part(&config, key), other, "{setting}");
            }
        }
        // By a file over the defaults of a task.
        for table in [format!("[model.{key}]\nname = \"{name}\"\n"), format!("model.{key} = \"{name}\"\n")] {
            assert_eq!(part(&read(&format!("{of_task}{table}"), &[]).unwrap(), key), other, "{table}");
        }
        // The settings of the new name may come before it, and the name that is there changes nothing.
        let settings = [format!("model.{key}.width=9"), format!("model.{key}.name=mine")];
        let config = read("task = \"of-mine\"", &settings.each_ref().map(String::as_str)).unwrap();
        assert_eq!(part(&config, key), Choice::new("mine").with("width", 9));
        assert_eq!(part(&read(&file, &[&settings[1]]).unwrap(), key), mine);
    }
}

#[test]
fn a_typing_error_in_a_nested_table_does_not_go_with_its_name() {
    let text = "task = \"reverse\"\n[model.score]\nname = \"mine\"\nwidht = 7\n";
    let error = read(text, &["model.score.name=dot"]).unwrap_err().to_string();
    assert_eq!(error, "unknown key `model.score.widht`; `model.score` has name");
    let error = read(text, &[]).unwrap_err().to_string();
    assert_eq!(error, "unknown key `model.score.widht`; did you mean `model.score.width`?");
    // What a scaled dot product has by itself is not what another score has.
    let text = "task = \"reverse\"\n[model.score]\nscale = 0.5\n";
    let config = read(text, &["model.score.name=additive"]).unwrap();
    assert_eq!(part(&config, "score"), Choice::new("additive").with("d_hidden", 32));
}

#[test]
fn another_model_or_task_takes_the_settings_of_a_file_that_it_can_have_too() {
    let text = "[task]\nname = \"reverse\"\nseq_len = 5\nn_symbols = 4\n[model]\nd_model = 16\n";
    let config = read(text, &["task.name=induction"]).unwrap();
    assert_eq!((&*config.task.name, &config.task.settings["seq_len"]), ("induction", &5.into()));
    assert_eq!(config.model.settings["d_model"], 16);
    let text = "[task]\nname = \"recall\"\nn_pairs = 3\n";
    assert_eq!(
        read(text, &["task.name=reverse"]).unwrap().task,
        read("task = \"reverse\"", &[]).unwrap().task
    );
    let error =
        read("[task]\nname = \"recall\"\nn_pears = 3\n", &["task.name=reverse"]).unwrap_err().to_string();
    assert!(error.starts_with("unknown key `task.n_pears`"), "{error}");
}

#[test]
fn a_table_in_a_setting_lies_on_top_of_that_in_the_file() {
    let file = "task = \"reverse\"\n[optimizer]\nlr = 0.5\nbeta_1 = 0.8\n[model.score]\nname = \"mine\"\nwidth = 7\n";
    let lr_and_betas = |settings: &[&str]| {
        let Config { optimizer, .. } = read(file, settings).unwrap();
        let of_own = |key| optimizer.rule.settings.get(key).cloned().unwrap_or_default();
        (optimizer.rule.name.clone(), optimizer.lr, of_own("beta_1"), of_own("beta_2"))
    };
    for setting in ["optimizer={beta_2=0.9}", "optimizer={name=\"adam-w\",beta_2=0.9}"] {
        let expected = ("adam-w".to_owned(), 0.5, 0.8.into(), 0.9.into());
        assert_eq!(lr_and_betas(&[setting]), expected, "{setting}");
    }
    // With another name, what belongs to all stays, and what belongs to the former goes.
    for settings in [
        &["optimizer={name=\"lion\",beta_2=0.9}"] as &[&str],
        &["optimizer={beta_2=0.9}", "optimizer.name=lion"],
        &["optimizer=sgd", "optimizer={name=\"lion\",beta_2=0.9}"],
    ] {
        let by_itself = read("task = \"reverse\"", &["optimizer.name=lion"]).unwrap().optimizer;
        let expected = ("lion".to_owned(), 0.5, by_itself.rule.settings["beta_1"].clone(), 0.9.into());
        assert_eq!(lr_and_betas(settings), expected, "{settings:?}");
    }
    // So do tables within a table, and what has a name alone in the file.
    let score = |text: &str, settings: &[&str]| part(&read(text, settings).unwrap(), "score");
    let mine = |width: usize| Choice::new("mine").with("width", width);
    assert_eq!(score(file, &["model={d_model=16}"]), mine(7));
    assert_eq!(score(file, &["model={score={width=9}}"]), mine(9));
    let named = "task = \"reverse\"\nmodel.score = \"mine\"\n";
    assert_eq!(score(named, &["model.score={width=3}"]), mine(3));
    // A schedule has its name under another key.
    let text = "task = \"reverse\"\n[schedule]\nkind = \"linear\"\nwarmup_steps = 3\n";
    for setting in ["schedule={final_factor=0.5}", "schedule={name=\"linear\",final_factor=0.5}"] {
        let schedule = read(text, &[setting]).unwrap().schedule.shape;
        assert_eq!((&*schedule.name, &schedule.settings["warmup_steps"]), ("linear", &3.into()), "{setting}");
        assert_eq!(schedule.settings["final_factor"], 0.5, "{setting}");
    }
}

#[test]
fn what_goes_with_a_name_is_named_wherever_it_stands() {
    let left_out = |text: &str, settings: &[&str]| {
        let experiment = registry().read(ConfigSource::Toml(text), settings).unwrap();
        experiment.left_out.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let text = "task = \"reverse\"\noptimizer = { name = \"sgd\", momentum = 0.5, lr = 0.1 }\n\
                loss = { name = \"label-smoothing\", smoothing = 0.25 }\n\
                model.score = { name = \"mine\", width = 7 }\n";
    assert!(left_out(text, &[]).is_empty());
    for (settings, line) in [
        ("optimizer.name=adam", "optimizer.momentum = 0.5: set for another optimizer than `adam`"),
        ("loss=cross-entropy", "loss.smoothing = 0.25: set for another loss than `cross-entropy`"),
        ("model.score={name=\"dot\"}", "model.score.width = 7: set for another score than `dot`"),
    ] {
        assert_eq!(left_out(text, &[settings]), [line]);
    }
    // What a type has by itself is no wish.
    let text = text.replace("momentum = 0.5", "momentum = 0.9");
    let by_itself = read("task = \"reverse\"", &["optimizer.name=sgd"]).unwrap().optimizer;
    assert_eq!(by_itself.rule.settings["momentum"], 0.9);
    assert!(left_out(&text, &["optimizer.name=adam"]).is_empty());
}

#[test]
fn a_setting_goes_with_a_name_that_a_later_setting_replaces() {
    for (place, [old, new], key, value, of_all) in [
        (
            "optimizer",
            ["sgd", "lion"],
            "momentum",
            "0.5",
            &["optimizer.lr=0.5", "optimizer.clip=0.25"] as &[&str],
        ),
        ("loss", ["label-smoothing", "cross-entropy"], "smoothing", "0.25", &[]),
        ("schedule", ["linear", "constant"], "final_factor", "0.5", &["schedule.warmup_steps=7"]),
        ("model.score", ["additive", "dot"], "d_hidden", "3", &[]),
        ("model.positions", ["rope", "alibi"], "base", "500.0", &[]),
    ] {
        let spellings = |name: &str| {
            let in_table = format!("{place}={{name=\"{name}\"}}");
            let in_model = place.strip_prefix("model.").map(|key| format!("model={{{key}=\"{name}\"}}"));
            [format!("{place}={name}"), format!("{place}.name={name}"), in_table].into_iter().chain(in_model)
        };
        let setting = format!("{place}.{key}={value}");
        let name = format!("{place}={new}");
        let expected = read("task = \"reverse\"", &[of_all, &[&*name]].concat()).unwrap();
        let kind = place.trim_start_matches("model.");
        let line = format!("{place}.{key} = {value}: set for another {kind} than `{new}`");
        for first in spellings(old) {
            for last in spellings(new) {
                let settings = [&[&*first, &*setting] as &[&str], of_all, &[&*last]].concat();
                let experiment = registry().read(ConfigSource::Task("reverse"), &settings);
                let experiment = experiment.unwrap_or_else(|error| panic!("{settings:?}: {error}"));
                assert_eq!(experiment.config, expected, "{settings:?}");
                let left_out: Vec<String> = experiment.left_out.iter().map(ToString::to_string).collect();
                assert_eq!(left_out, [&*line], "{settings:?}");
            }
        }
    }
}
