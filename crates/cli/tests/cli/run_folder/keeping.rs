//! Which checkpoints stay, and that keeping more of them ends no training.

use std::fs;

use crate::support::sandbox::Sandbox;

const RUN: &str = "train reverse --steps 12 --seed 3 --quiet --set model.dropout=0.2 --set task.seq_len=6";

#[test]
fn the_newest_the_best_and_the_first_checkpoint_are_kept() {
    let sandbox = Sandbox::new();
    let kept = |run: &str| {
        let folder = fs::read_dir(sandbox.path(&format!("{run}/checkpoints"))).unwrap();
        let mut names: Vec<String> =
            folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names.into_iter().map(|name| name["step-".len()..].parse().unwrap()).collect::<Vec<u64>>()
    };
    // The rate is so low that the loss of every evaluation, every fourth step, is near the first.
    let every = "--set train.checkpoint_every=1 --set train.eval_every=4";
    sandbox.succeeds(&format!("{RUN} {every} --out three"));
    let losses: Vec<(u64, f64)> = sandbox
        .metrics("three")
        .iter()
        .filter(|event| event["event"] == "eval")
        .map(|event| (event["step"].as_u64().unwrap(), event["loss"].as_f64().unwrap()))
        .collect();
    let best = losses.iter().rev().min_by(|one, other| one.1.total_cmp(&other.1)).unwrap().0;
    let expected = |keep: u64| {
        let mut steps: Vec<u64> = (13 - keep..=12).chain([0, best]).collect();
        steps.sort();
        steps.dedup();
        steps
    };
    assert_eq!(kept("three"), expected(3));
    sandbox.succeeds(&format!("{RUN} {every} --set train.keep=1 --out one"));
    assert_eq!(kept("one"), expected(1));
    sandbox
        .refuses(&format!("{RUN} --set train.keep=0 --out none"), &["train.keep must be at least 1, got 0"]);
}

#[test]
fn what_is_set_for_a_finished_run_is_taken_over_and_stated() {
    let sandbox = Sandbox::new();
    let every = "--set train.checkpoint_every=4 --set train.eval_every=4";
    sandbox.succeeds(&format!("{RUN} {every} --set train.keep=9 --out run"));
    let config = sandbox.read_text("run/config.toml");
    let resumed =
        sandbox.succeeds("train run --resume --quiet --set train.keep=1 --set train.eval_examples=7");
    for line in [
        "train.keep was 9, now it is 1: written into run/config.toml\n",
        "train.eval_examples was 1000, now it is 7: written into run/config.toml\n",
        "no longer kept and removed: the checkpoints of the steps ",
    ] {
        assert!(resumed.stderr.contains(line), "{resumed:#?}");
    }
    let expected =
        config.replace("keep = 9\n", "keep = 1\n").replace("eval_examples = 1000", "eval_examples = 7");
    assert_eq!(sandbox.read_text("run/config.toml"), expected);
    // Of the steps 0, 4, 8 and 12, the first, the last and the best.
    let kept = fs::read_dir(sandbox.path("run/checkpoints")).unwrap().count();
    assert!(kept < 4 && sandbox.path("run/checkpoints/step-00000012").exists(), "{resumed:#?}");
    sandbox.succeeds("verify run");
    // The same again changes nothing, and is no reason for a word.
    let tree = sandbox.tree("run");
    assert_eq!(sandbox.succeeds("train run --resume --quiet --set train.keep=1").stderr, "");
    assert!(sandbox.tree("run") == tree);
}

#[test]
fn an_older_checkpoint_that_cannot_be_read_stays_and_the_training_goes_on() {
    let sandbox = Sandbox::new();
    let line = format!("{RUN} --set train.checkpoint_every=1 --set train.keep=1");
    sandbox.succeeds(&format!("{line} --out whole"));
    sandbox.succeeds(&format!("{line} --out run --stop-after 6"));
    // A folder in place of the file: EISDIR.
    let config = sandbox.path("run/checkpoints/step-00000000/config.json");
    fs::remove_file(&config).unwrap();
    fs::create_dir(&config).unwrap();
    let run = sandbox.succeeds("train run --resume --quiet");
    let warning = "warning: an older checkpoint stays, and the training goes on: cannot read";
    assert_eq!(run.stderr.matches(warning).count(), 1, "{run:#?}");
    assert!(config.is_dir());
    let last = "checkpoints/step-00000012";
    assert!(sandbox.tree(&format!("run/{last}")) == sandbox.tree(&format!("whole/{last}")));
}
