//! Which runs a study has, and in which order.

use qkv_study::{Combination, Study};

/// The labels of each run in one line.
fn lines(text: &str) -> Vec<String> {
    let labels = |run: &Combination| run.labels().join(" ");
    Study::parse(text).unwrap().runs().unwrap().iter().map(labels).collect()
}

#[test]
fn a_grid_is_every_combination_and_the_last_key_changes_fastest() {
    let text =
        "task = \"copy\"\n[sweep]\nseed = [0, 1]\n[sweep.model]\nscore = [\"additive\", \"general\"]\n";
    assert_eq!(
        lines(text),
        [
            "model.score=additive seed=0",
            "model.score=additive seed=1",
            "model.score=general seed=0",
            "model.score=general seed=1"
        ]
    );
    let run = &Study::parse(text).unwrap().runs().unwrap()[2];
    assert_eq!(run.assignments(), ["model.score=\"general\"", "seed=0"]);
    assert_eq!(run.folder_name(), "model.score=general,seed=0");
}

#[test]
fn what_is_left_is_a_config() {
    let text = "seed = 3\n[task]\nname = \"copy\"\n[sweep]\nseed = [0]\n[study]\nonly = []\n[[case]]\nmodel.d_k = 3\n";
    let config = "seed = 3\n[task]\nname = \"copy\"\n".parse().unwrap();
    assert_eq!(*Study::parse(text).unwrap().config(), config);
}

#[test]
fn ranges_have_both_ends() {
    #[track_caller]
    fn check(range: &str, expected: &str) {
        let found = lines(&format!("[sweep]\nx = {range}\n"));
        assert_eq!(found.join(" ").replace("x=", ""), expected, "{range}");
    }
    check("{ from = 4, to = 512, times = 2 }", "4 8 16 32 64 128 256 512");
    check("{ from = 4, to = 500, times = 2 }", "4 8 16 32 64 128 256");
    check("{ from = 1, to = 4, step = 1 }", "1 2 3 4");
    check("{ from = 0, to = 7, step = 3 }", "0 3 6");
    check("{ from = -1.0, to = 1, n = 5 }", "-1.0 -0.5 0.0 0.5 1.0");
    // No 0.30000000000000004, and the last value is not lost to a rounding error.
    check("{ from = 0.0, to = 0.3, step = 0.1 }", "0.0 0.1 0.2 0.3");
    check("{ from = 1e-4, to = 1e-1, n = 4, scale = \"log\" }", "0.0001 0.001 0.01 0.1");
    check("{ from = 1e-4, to = 1e-1, times = 10.0 }", "0.0001 0.001 0.01 0.1");
    // Whole numbers between whole ends.
    check("{ from = 1, to = 9, n = 4, scale = \"log\" }", "1 2 4 9");
    check("{ from = 3, to = 3, step = 1 }", "3");
    check("{ from = 1, to = 2, step = 0.5 }", "1.0 1.5 2.0");
}

#[test]
fn cases_have_keys_of_their_own_and_share_the_grid() {
    let text = "[sweep]\nseed = [0, 1]\n[[case]]\nmodel.score = \"additive\"\n\
                [[case]]\nmodel.score = \"scaled-dot\"\nmodel.softcap = [10.0, 30.0]\n";
    assert_eq!(
        lines(text),
        [
            "model.score=additive seed=0",
            "model.score=additive seed=1",
            "model.score=scaled-dot model.softcap=10.0 seed=0",
            "model.score=scaled-dot model.softcap=10.0 seed=1",
            "model.score=scaled-dot model.softcap=30.0 seed=0",
            "model.score=scaled-dot model.softcap=30.0 seed=1"
        ]
    );
}

#[test]
fn a_combination_that_comes_up_twice_is_one_run() {
    let text = "[[case]]\nseed = [0, 1]\n[[case]]\nseed = [1, 2]\n";
    assert_eq!(lines(text), ["seed=0", "seed=1", "seed=2"]);
    assert_eq!(Study::parse(text).unwrap().n_combinations().unwrap(), 4);
    let drawn = "[sweep]\nx = { from = 1, to = 3, draw = \"uniform\" }\n[study]\ndraws = 20\n";
    let drawn = Study::parse(drawn).unwrap();
    assert_eq!((drawn.runs().unwrap().len(), drawn.n_combinations().unwrap()), (3, 20));
}

#[test]
fn a_setting_varies_at_above_and_below_a_key() {
    let text = "[sweep]\nmodel.score = [\"dot\"]\noptimizer.name = [\"sgd\"]\nschedule.name = [\"linear\"]\n[[case]]\nseed = 1\n";
    let study = Study::parse(text).unwrap();
    for (settings, key) in [
        ("seed = 3", Some("seed")),
        ("model.score.d_hidden = 3", Some("model.score")),
        ("model = { d_k = 3, score = \"additive\" }", Some("model.score")),
        ("optimizer = \"muon\"", Some("optimizer.name")),
        ("optimizer = { name = \"muon\" }", Some("optimizer.name")),
        ("schedule.kind = \"cosine\"", Some("schedule.name")),
        ("model.scores = 3", None),
        ("model = \"mine\"", None),
        ("optimizer.lr = 0.1", None),
    ] {
        assert_eq!(study.varies(&settings.parse().unwrap()), key, "{settings}");
    }
}

#[test]
fn a_config_has_the_settings_of_its_run() {
    let text = "model = { score = \"additive\", d_k = 2 }\n[sweep]\nmodel.score.d_hidden = [3]\nseed = [1]\n";
    let study = Study::parse(text).unwrap();
    let expected = "seed = 1\nmodel = { score = { name = \"additive\", d_hidden = 3 }, d_k = 2 }\n";
    assert_eq!(study.runs().unwrap()[0].over(study.config()), expected.parse().unwrap());
}

#[test]
fn a_name_holds_nothing_that_a_file_system_refuses() {
    let text = "[sweep.task]\ntext = [\"a/../b: c\\u0000.txt\"]\n";
    let name = Study::parse(text).unwrap().runs().unwrap()[0].folder_name();
    assert_eq!(name, "task.text=a_.._b__c_.txt");
}
