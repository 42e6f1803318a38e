//! The folder of a study belongs to that study.

use crate::support::sandbox::Sandbox;

const STUDY: &str = "# Mine.\ntask = { name = \"reverse\", seq_len = 4 }\ntrain = { steps = 2, eval_examples = 10 }\n[sweep]\nseed = [0, 1]\n";

/// A study that was trained.
fn trained() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("study.toml", STUDY);
    assert_eq!(sandbox.succeeds("sweep study.toml --out out --json").events().len(), 2);
    assert_eq!(sandbox.read_text("out/study.toml"), STUDY);
    sandbox
}

#[test]
fn another_study_is_refused_with_the_key_that_differs() {
    let sandbox = trained();
    for (part, text, difference) in [
        ("steps = 2", "steps = 3", "train.steps was 2, now it is 3"),
        ("seed = [0, 1]", "seed = [1, 2]", "`seed` was [0, 1], now it is [1, 2]"),
        ("seed =", "model.n_heads = [1]\nseed =", "`model.n_heads` was not varied, now it is [1]"),
        ("[sweep]", "[study]\nonly = [\"seed < 2\"]\n[sweep]", "`only` was [], now it is [\"seed < 2\"]"),
        ("[sweep]", "[optimizer]\nlr = 0.1\n[sweep]", "optimizer.lr was 0.005, now it is 0.1"),
    ] {
        assert!(STUDY.contains(part));
        sandbox.write("study.toml", STUDY.replacen(part, text, 1));
        sandbox
            .refuses("sweep study.toml --out out", &["out belongs to another study: ", difference, "--out"]);
    }
}

#[test]
fn a_value_that_only_some_cases_take_from_the_file_is_compared_too() {
    let sandbox = Sandbox::new();
    let cases = "model.positions = \"rope\"\n[[case]]\nmodel.positions = \"sinusoidal\"\n[[case]]\nmodel.n_heads = 1\n";
    let study = STUDY.replace("[sweep]\nseed = [0, 1]\n", cases);
    sandbox.write("study.toml", &study);
    // The run that has it is not trained yet.
    sandbox.succeeds("sweep study.toml --out out --shard 1/2");
    sandbox.write("study.toml", study.replace("rope", "alibi"));
    sandbox.refuses(
        "sweep study.toml --out out",
        &["out belongs to another study: ", "model.positions.name was \"rope\", now it is \"alibi\""],
    );
}

#[test]
fn values_may_be_added_and_the_runs_that_are_there_stay() {
    let sandbox = trained();
    let runs = sandbox.tree("out");
    // A value without meaning for a run, a default that is written down, and another seed.
    let more = STUDY
        .replace("[sweep]", "train.keep = 7\noptimizer.lr = 0.005\n[sweep]")
        .replace("[0, 1]", "[2, 1, 0]");
    let more = more
        .replace("train = { steps = 2, eval_examples = 10 }", "train.steps = 2\ntrain.eval_examples = 10");
    sandbox.write("study.toml", &more);
    let grown = sandbox.succeeds("sweep study.toml --out out --json");
    assert_eq!(grown.events().len(), 3, "{grown:#?}");
    assert_eq!(sandbox.read_text("out/study.toml"), more);
    let after = sandbox.tree("out");
    for (path, bytes) in &runs {
        assert!(
            after[path] == *bytes || path.ends_with("study.toml") || path.ends_with("config.toml"),
            "{path:?}"
        );
    }
    // What was there first is another study now.
    sandbox.write("study.toml", STUDY);
    sandbox.refuses("sweep study.toml --out out", &["`seed` was [2, 1, 0], now it is [0, 1]"]);
}

#[test]
fn a_study_goes_on_by_the_name_of_its_folder() {
    let sandbox = trained();
    let before = sandbox.tree("out");
    std::fs::remove_dir_all(sandbox.path("out/seed=1")).unwrap();
    assert_eq!(sandbox.succeeds("sweep out --json").events().len(), 2);
    let names = |tree: crate::support::sandbox::Tree| tree.into_keys().collect::<Vec<_>>();
    assert_eq!(names(sandbox.tree("out")), names(before));
}

#[test]
fn runs_of_a_version_that_kept_no_study_are_gone_on_with() {
    let sandbox = trained();
    std::fs::remove_file(sandbox.path("out/study.toml")).unwrap();
    let before = sandbox.tree("out");
    assert_eq!(sandbox.succeeds("sweep study.toml --out out --json").events().len(), 2);
    let mut after = sandbox.tree("out");
    assert!(after.remove(std::path::Path::new("study.toml")).is_some());
    assert!(after == before);
}

#[test]
fn a_study_that_cannot_be_read_is_named() {
    let sandbox = trained();
    sandbox.write("out/study.toml", "[sweep]\nseed = [");
    sandbox.refuses("sweep study.toml --out out", &["out/study.toml", "not TOML at line 2"]);
}
