//! Keys that nothing reads and values of a wrong type: all of them are named, each with what to type instead.

use qkv_model::{Dot, Gelu};
use qkv_train::{Accuracy, ConfigSource, CrossEntropy, Linear, Registry, Reverse, Sgd};
use serde::{Deserialize, Serialize};

/// The settings of a user's parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Mine {
    width: usize,
    shares: Vec<f64>,
    is_on: bool,
    label: String,
}

impl Default for Mine {
    fn default() -> Self {
        Self { width: 7, shares: vec![0.25], is_on: true, label: "x".to_owned() }
    }
}

fn registry() -> Registry {
    Registry::new()
        .score("mine", |_: &Mine, _, _| Ok(Dot {}))
        .activation("mine", |_: &Mine, _, _| Ok(Gelu {}))
        .optimizer("mine", |_: &Mine| Ok(Sgd::default()))
        .loss("mine", |_: &Mine| Ok(CrossEntropy))
        .schedule("mine", |_: &Mine| Ok(Linear::default()))
        .metric("mine", |_: &Mine| Ok(Accuracy))
        .task("mine", "task = { width = 4, shares = [], is_on = true, label = \"\" }", |_: &Mine| {
            Ok(Reverse { seq_len: 4, n_symbols: 3 })
        })
}

fn refusal(source: ConfigSource<'_>, settings: &[&str]) -> String {
    let error = registry().read(source, settings).expect_err("a wrong setting");
    assert!(error.is_usage());
    error.to_string()
}

#[test]
fn every_unknown_key_is_named_with_its_advice() {
    let settings = [
        "model.d_modle=64",
        "train.step=5",
        "optimizer.momentum=0.5",
        "model.score={name=\"additive\",scale=2,d_hiden=3}",
        "train.metrics=[\"accuracy\",{name=\"mine\",widht=3}]",
        "train=3",
        "model.d_k=nan",
    ];
    let expected = "4 settings are wrong:
  unknown key `model.d_modle`; did you mean `model.d_model`?
  unknown key `optimizer.momentum`: it is a setting of `muon`, `sgd`, and optimizer.name is `adam-w`
  unknown key `train.step`; did you mean `train.steps`?
  model.d_k: a number must be finite, got NaN";
    let lines = |message: &str| {
        let mut lines: Vec<String> = message.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let own = ["model.d_modle=64", "train.step=5", "optimizer.momentum=0.5", "model.d_k=nan"];
    assert_eq!(lines(&refusal(ConfigSource::Task("reverse"), &own)), lines(expected));
    let text = "task = \"reverse\"\n[model]\nd_modle = 64\nd_k = nan\n[train]\nstep = 5\n[optimizer]\nmomentum = 0.5\n";
    assert_eq!(lines(&refusal(ConfigSource::Toml(text), &[])), lines(expected));
    // With those of what is named within a table or a list, alone and beside others.
    let nested = "  unknown key `model.score.d_hiden`; did you mean `model.score.d_hidden`?
  unknown key `model.score.scale`: it is a setting of `scaled-dot`, and model.score.name is `additive`
  unknown key `train.metrics[1].widht`; did you mean `train.metrics[1].width`?";
    let alone = format!("3 settings are wrong:\n{nested}");
    assert_eq!(lines(&refusal(ConfigSource::Task("reverse"), &settings[3..5])), lines(&alone));
    let both = format!(
        "4 settings are wrong:\n  unknown key `model.d_modle`; did you mean `model.d_model`?\n{nested}"
    );
    let with_another = [settings[0], settings[3], settings[4]];
    assert_eq!(lines(&refusal(ConfigSource::Task("reverse"), &with_another)), lines(&both));
}

#[track_caller]
fn check(task: &str, settings: &[&str], message: &str) {
    assert_eq!(refusal(ConfigSource::Task(task), settings), message);
}

#[test]
fn a_value_of_a_wrong_type_is_answered_with_what_to_type() {
    let whole = "a whole number of at least 0";
    let some = "a whole number of at least 1";
    let len = "a whole number between 1 and 4096";
    for (setting, message) in [
        ("train.steps=abc", format!("train.steps must be {some}, got \"abc\"; write train.steps=500")),
        ("train.steps=-1", "train.steps must be at least 1, got -1".to_owned()),
        ("schedule.warmup_steps=-1", format!("schedule.warmup_steps must be {whole}, got -1; write schedule.warmup_steps=50")),
        ("seed=[1]", format!("seed must be {whole}, got [1]; write seed=0")),
        ("seed=nan", format!("seed must be {whole}, got NaN; write seed=0")),
        ("model.n_heads=[1]", format!("model.n_heads must be {some}, got [1]; write model.n_heads=1")),
        ("model.d_k={a=1}", format!("model.d_k must be {some}, got {{ a = 1 }}; write model.d_k=1")),
        (
            "model.bias=maybe",
            "model.bias must be true or false, got \"maybe\"; write model.bias=false".to_owned(),
        ),
        (
            "train.metrics=accuracy",
            "train.metrics must be a list, got \"accuracy\"; write train.metrics=[\"accuracy\"]".to_owned(),
        ),
        (
            "train.metrics=[accuracy, loss]",
            "train.metrics must be a list, got \"[accuracy, loss]\"; write train.metrics=[\"accuracy\", \"loss\"]"
                .to_owned(),
        ),
        (
            "train.metrics=[3]",
            "train.metrics[0] must be a name in quotes, or a table with one, got 3; write \
             train.metrics=[\"accuracy\"]"
                .to_owned(),
        ),
        (
            "optimizer=3",
            "optimizer must be a name in quotes, or a table with one, got 3; write optimizer=\"adam-w\""
                .to_owned(),
        ),
        (
            "model.score=3",
            "model.score must be a name in quotes, or a table with one, got 3; write model.score=\"scaled-dot\""
                .to_owned(),
        ),
        (
            "optimizer.lr=fast",
            "optimizer.lr must be a number, got \"fast\"; write optimizer.lr=0.005".to_owned(),
        ),
        (
            "optimizer.beta_1=high",
            "optimizer.beta_1 must be a number, got \"high\"; write optimizer.beta_1=0.9".to_owned(),
        ),
        (
            "schedule.warmup_steps=few",
            format!("schedule.warmup_steps must be {whole}, got \"few\"; write schedule.warmup_steps=50"),
        ),
        (
            "model.projections=some",
            "model.projections must be one of `learned`, `frozen`, `none`, got \"some\"; write \
             model.projections=\"learned\""
                .to_owned(),
        ),
        (
            "model.projections.w_k=some",
            "model.projections.w_k must be one of `learned`, `frozen`, `none`, got \"some\"; write \
             model.projections.w_k=\"learned\""
                .to_owned(),
        ),
        (
            "model.projections.w_k=3",
            "model.projections.w_k must be one of `learned`, `frozen`, `none`, got 3; write \
             model.projections.w_k=\"learned\""
                .to_owned(),
        ),
        (
            "model.projections=true",
            "model.projections must be one of `learned`, `frozen`, `none`, or a table with w_q, w_k and w_v, got true; \
             write model.projections=\"learned\""
                .to_owned(),
        ),
        (
            "model.projections.w_o=frozen",
            "unknown key `model.projections.w_o`; did you mean `model.projections.w_v`?".to_owned(),
        ),
        (
            "model.projections.queries=frozen",
            "unknown key `model.projections.queries`; `model.projections` has w_k, w_q, w_v".to_owned(),
        ),
        ("task.seq_len=5.0", format!("task.seq_len must be {len}, got 5.0; write task.seq_len=5")),
        (
            "model.n_heads=1979-05-27T00:00:00Z",
            format!("model.n_heads must be {some}, got 1979-05-27T00:00:00Z; write model.n_heads=1"),
        ),
        (
            "optimizer.beta_1=1979-05-27",
            "optimizer.beta_1 must be a number, got 1979-05-27; write optimizer.beta_1=0.9".to_owned(),
        ),
        // No value has a second line, which would be lost.
        (
            "seed=3\noptimizer.lr=0.5",
            format!("seed must be {whole}, got \"3\\noptimizer.lr=0.5\"; write seed=0"),
        ),
        ("task.seq_len=long", format!("task.seq_len must be {len}, got \"long\"; write task.seq_len=16")),
    ] {
        check("reverse", &[setting], &message);
    }
    check(
        "reverse",
        &["model.score={name=\"additive\",d_hidden=\"wide\"}"],
        "model.score.d_hidden must be a whole number of at least 1, got \"wide\"; write model.score.d_hidden=32",
    );
    check(
        "reverse",
        &["model.positions={name=\"alibi\",slopes=0.5}"],
        "model.positions.slopes must be a list, got 0.5; write model.positions.slopes=[0.5]",
    );
}

#[test]
fn so_is_one_of_a_setting_of_a_users_own_part() {
    for (place, key) in [
        ("model.score", "model.score"),
        ("model.activation", "model.activation"),
        ("optimizer", "optimizer"),
        ("loss", "loss"),
        ("schedule", "schedule"),
    ] {
        let named = format!("{place}=mine");
        for (setting, message) in [
            ("width=wide", "width must be a whole number of at least 0, got \"wide\"; write {key}.width=7"),
            ("shares=0.5", "shares must be a list, got 0.5; write {key}.shares=[0.5]"),
            ("shares=[true]", "shares[0] must be a number, got true; write {key}.shares=[0.25]"),
            ("is_on=1", "is_on must be true or false, got 1; write {key}.is_on=true"),
            ("label=3", "label must be a text in quotes, got 3; write {key}.label=\"x\""),
        ] {
            let message = format!("{key}.{}", message.replace("{key}", key));
            check("reverse", &[&named, &format!("{place}.{setting}")], &message);
        }
    }
    check("mine", &["task.is_on=1"], "task.is_on must be true or false, got 1; write task.is_on=true");
    check(
        "reverse",
        &["train.metrics=[\"accuracy\",{name=\"mine\",width=\"wide\"}]"],
        "train.metrics[1].width must be a whole number of at least 0, got \"wide\"; write train.metrics=[{ name = \
         \"mine\", width = 7 }]",
    );
}

#[test]
fn a_value_that_is_no_table_is_not_lost_to_a_setting_below_it() {
    for (text, settings, message) in [
        (
            "task = \"reverse\"\n[[train]]\nbatch_size = 7\n",
            &["train.steps=2"] as &[&str],
            "`train.steps` is set, but `train` is [{ batch_size = 7 }], which is no table; leave one of them out",
        ),
        (
            "task = \"reverse\"\nmodel.positions = 7\n",
            &["model.positions.name=rope"],
            "`model.positions.name` is set, but `model.positions` is 7, which is no table; leave one of them out",
        ),
        (
            "task = \"reverse\"",
            &["train=abc", "train.steps=2"],
            "`train.steps` is set, but `train` is \"abc\", which is no table; leave one of them out",
        ),
        (
            "task = \"reverse\"",
            &["train.steps=2", "train=abc"],
            "`train` must be a table with keys such as `train.batch_size`, got \"abc\"",
        ),
    ] {
        assert_eq!(refusal(ConfigSource::Toml(text), settings), message);
    }
    // Where something is named, its name alone is a table, too.
    let text = "task = \"reverse\"\nmodel.score = \"additive\"\n";
    let read = registry().read(ConfigSource::Toml(text), &["model.score.d_hidden=3"]);
    assert_eq!(read.unwrap().config.model.settings["score"]["d_hidden"], 3);
}

#[test]
fn a_path_in_quotation_marks_is_answered_with_the_path() {
    for (text, key) in [
        ("\"model.n_heads\" = 2", "model.n_heads"),
        ("[model]\n\"score.name\" = \"dot\"", "model.score.name"),
    ] {
        let message = refusal(ConfigSource::Toml(&format!("task = \"reverse\"\n{text}\n")), &[]);
        let expected =
            format!("a key in quotation marks is one name, with its dots; write {key} without them");
        assert_eq!(message, expected);
    }
}
