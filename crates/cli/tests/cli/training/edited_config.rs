//! A run stays what it was begun as, whatever is set or edited later.

use crate::support::sandbox::Sandbox;

const RUN: &str = "train reverse --steps 12 --seed 3 --quiet --set task.seq_len=6 --set model.n_heads=2 \
                   --set train.eval_every=4 --set train.checkpoint_every=5";

/// Every command that opens a run.
const COMMANDS: [&str; 6] =
    ["train run --resume", "eval run", "explain run", "ablate run", "inspect run", "report run"];

/// A run that was stopped after five steps, with `from` replaced by `to` in its config.
fn edited(from: &str, to: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --stop-after 5"));
    let config = sandbox.read_text("run/config.toml");
    assert!(config.contains(from), "no {from} in\n{config}");
    sandbox.write("run/config.toml", config.replace(from, to));
    sandbox
}

#[test]
fn a_rate_or_a_number_of_heads_edited_in_the_config_of_a_stopped_run_is_refused_by_every_command() {
    for (from, to, difference) in [
        ("lr = 0.005", "lr = 0.1", "optimizer.lr was 0.005, now it is 0.1"),
        ("n_heads = 2", "n_heads = 4", "model.n_heads was 2, now it is 4"),
        ("seed = 3", "seed = 4", "seed was 3, now it is 4"),
    ] {
        let sandbox = edited(from, to);
        for command in COMMANDS {
            sandbox.refuses(command, &["run was started with other settings", difference, "--branch NEWDIR"]);
        }
    }
}

#[test]
fn every_key_that_differs_is_listed() {
    let sandbox = edited("steps = 12\n", "steps = 13\n");
    sandbox.refuses(&format!("{RUN} --out run --resume"), &["train.steps was 12, now it is 13;"]);
    let sandbox = edited("seed = 3", "seed = 3 ");
    sandbox.refuses(
        &format!("{RUN} --out run --resume --set optimizer.lr=0.1 --set optimizer.clip=0.5"),
        &["optimizer.clip was 1.0, now it is 0.5; optimizer.lr was 0.005, now it is 0.1;"],
    );
    sandbox.refuses("train run --resume --from 6", &["no checkpoint of step 6; it has those of 0, 5"]);
}

#[test]
fn what_is_kept_and_measured_of_a_run_may_change() {
    let whole = Sandbox::new();
    whole.succeeds(&format!("{RUN} --out run"));
    let sandbox = edited("snapshot_every = 10", "snapshot_every = 1");
    let line = "train run --resume --quiet --set train.keep=7 --set train.checkpoint_every=2 --set train.eval_every=3 \
                --set train.eval_examples=20";
    sandbox.succeeds(line);
    let config = sandbox.read_text("run/config.toml");
    for line in
        ["keep = 7", "checkpoint_every = 2", "eval_every = 3", "eval_examples = 20", "snapshot_every = 1"]
    {
        assert!(config.lines().any(|found| found == line), "no {line} in\n{config}");
    }
    for file in ["model", "optimizer"] {
        let file = format!("run/checkpoints/step-00000012/{file}.safetensors");
        assert!(sandbox.read(&file) == whole.read(&file), "{file}");
    }
    for command in COMMANDS {
        sandbox.succeeds(command);
    }
}

#[test]
fn an_evaluation_that_may_end_the_run_does_not_change() {
    let sandbox = Sandbox::new();
    // `--steps` would turn early stop off.
    let line = RUN.replace("--steps 12", "--set train.steps=12");
    sandbox.succeeds(&format!("{line} --out run --set train.stop_at=0.9 --stop-after 5"));
    sandbox.refuses("train run --resume --set train.eval_every=3", &["train.eval_every was 4, now it is 3;"]);
    sandbox.refuses("train run --resume --steps 12", &["train.stop_at was 0.9, now it is 0.0;"]);
}

#[test]
fn a_run_of_an_older_version_with_a_default_line_missing_resumes() {
    let sandbox = edited("clip = 1.0\n", "");
    sandbox.write("run/config.toml", sandbox.read_text("run/config.toml").replace("keep = 3\n", ""));
    for command in COMMANDS {
        sandbox.succeeds(command);
    }
    let sandbox = edited("stop_at = 0.0", "stop_at = 0");
    let text = sandbox.read_text("run/config.toml").replace("dropout = 0.0", "dropout = 0");
    sandbox.write("run/config.toml", text);
    for command in COMMANDS {
        sandbox.succeeds(command);
    }
}
