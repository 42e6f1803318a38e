//! A run stays what it was begun as, whatever is set or edited later.

use crate::support::sandbox::Sandbox;

const RUN: &str = "train reverse --steps 12 --seed 3 --quiet --set task.seq_len=6 --set model.n_heads=2 \
                   --set train.eval_every=4 --set train.checkpoint_every=5";

/// Every command that opens a run.
const COMMANDS: [&str; 7] = [
    "train run --resume",
    "eval run",
    "explain run",
    "ablate run",
    "sample run",
    "inspect run",
    "report run",
];

/// Every command that begins another run from it.
const OTHERS: [&str; 2] =
    ["train run --branch new --set optimizer.clip=0.5", "train reverse --steps 1 --init-from run --out new"];

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
            sandbox.refuses(command, &["run was started with other settings", difference, "put them back"]);
        }
    }
}

#[test]
fn what_is_missing_in_the_config_of_a_stopped_run_is_refused_by_every_command() {
    for (line, difference) in [
        ("seed = 3\n", "seed was 3, now it is 0"),
        ("n_heads = 2\n", "model.n_heads was 2, now it is 1"),
        ("seq_len = 6\n", "task.seq_len was 6, now it is 16"),
        ("steps = 12\n", "train.steps was 12, now it is 500"),
    ] {
        let sandbox = edited(line, "");
        for command in COMMANDS.iter().chain(&OTHERS) {
            sandbox.refuses(command, &["run was started with other settings", difference]);
        }
        let verified = sandbox.qkv("verify run");
        let key = difference.split(' ').next().unwrap();
        assert_eq!(verified.code, Some(1), "{verified:#?}");
        assert!(verified.stdout.contains(&format!("`{key}` is no value")), "{verified:#?}");
    }
    // What follows from other values is compared as well.
    let line = RUN.replace(
        "model.n_heads=2",
        "model.n_heads=2 --set model.d_k=12 --set model.d_v=20 --set model.w_o=true",
    );
    for (line_of_config, difference) in
        [("d_k = 12\n", "model.d_k was 12, now it is 16"), ("d_v = 20\n", "model.d_v was 20, now it is ")]
    {
        let sandbox = Sandbox::new();
        sandbox.succeeds(&format!("{line} --out run --stop-after 5"));
        let config = sandbox.read_text("run/config.toml");
        assert!(config.contains(line_of_config), "{config}");
        sandbox.write("run/config.toml", config.replace(line_of_config, ""));
        for command in COMMANDS.iter().chain(&OTHERS) {
            sandbox.refuses(command, &["run was started with other settings", difference]);
        }
    }
    // Where nothing is left of it, and where one key stands in the table of another.
    let sandbox = edited("seed = 3\n", "");
    sandbox.write("run/config.toml", "format = \"qkv-run-1\"\ntask = \"reverse\"\n");
    for command in COMMANDS.iter().chain(&OTHERS) {
        sandbox.refuses(command, &["model.n_heads was 2, now it is 1", "seed was 3, now it is 0"]);
    }
}

#[test]
fn a_config_of_another_format_is_refused_by_every_command() {
    let sandbox = edited("format = \"qkv-run-1\"", "format = \"qkv-run-9\"");
    for command in COMMANDS.iter().chain(&OTHERS) {
        sandbox.refuses(command, &["qkv-run-9", "reads qkv-run-1"]);
    }
}

#[test]
fn other_values_are_given_to_a_run_of_their_own_by_the_command_that_is_named() {
    // Edited in the file of a stopped run and of a finished one, and set for a resume.
    for (from, to, stop, line, options) in [
        ("lr = 0.005", "lr = 0.1", 5, "eval run", "--set optimizer.lr=0.1"),
        ("lr = 0.005", "lr = 0.1", 12, "train run --resume", "--from 10 --set optimizer.lr=0.1"),
        (
            "kind = \"cosine\"",
            "kind = \"linear\"",
            12,
            "inspect run",
            "--from 10 --set 'schedule.kind=\"linear\"'",
        ),
        ("steps = 12\n", "steps = 3\n", 5, "report run", "--from 0 --set train.steps=3"),
        ("seed = 3", "seed = 3", 5, "train run --resume --steps 20", "--set train.steps=20"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.succeeds(&format!("{RUN} --out run --stop-after {stop}"));
        sandbox.write("run/config.toml", sandbox.read_text("run/config.toml").replace(from, to));
        let refused = sandbox.qkv(line);
        assert_eq!(refused.code, Some(2), "{refused:#?}");
        assert!(refused.stderr.trim_end().ends_with(&format!("--branch run-2 {options}")), "{refused:#?}");
        let branched = sandbox.paste(&refused.stderr);
        assert_eq!(branched.code, Some(0), "{branched:#?}");
        sandbox.succeeds("eval run-2 --examples 5");
    }
}

#[test]
fn another_optimizer_or_a_value_that_no_run_may_have_is_given_to_no_branch() {
    let table = |config: &str, new: &str| {
        let (before, rest) = config.split_once("[optimizer]\n").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        format!("{before}[optimizer]\n{new}\n\n{after}")
    };
    for (edit, line, named) in [
        // With the weights alone.
        ("name = \"sgd\"\nlr = 0.01", "eval run", true),
        ("", "train run --resume --set optimizer=lion", true),
        ("", "eval run --set optimizer.name=muon", true),
        // With the whole state, which is that of AdamW.
        ("name = \"adam\"\nlr = 0.005", "inspect run", true),
        // Another name beside the settings of the old one.
        ("name = \"sgd\"\nlr = 0.005\nbeta_1 = 0.9", "eval run", false),
        ("name = \"adam-w\"\nlr = -1.0", "inspect run", false),
        ("name = \"adam-w\"\nlr = 0.005\nbeta_1 = 2.0", "report run", false),
    ] {
        let sandbox = edited("seed = 3", "seed = 3");
        if !edit.is_empty() {
            sandbox.write("run/config.toml", table(&sandbox.read_text("run/config.toml"), edit));
        }
        let refused = sandbox.qkv(line);
        assert_eq!(refused.code, Some(2), "{edit} {line}: {refused:#?}");
        assert!(refused.stderr.contains("put them back"), "{refused:#?}");
        assert_eq!(refused.stderr.contains("run-2"), named, "{edit} {line}: {refused:#?}");
        if named {
            let other = sandbox.paste(&refused.stderr);
            assert_eq!(other.code, Some(0), "{edit} {line}: {refused:#?}\n{other:#?}");
            sandbox.succeeds("eval run-2 --examples 5");
        }
    }
    for (from, to) in [("batch_size = 128", "batch_size = 0"), ("steps = 12\n", "steps = -1\n")] {
        let sandbox = edited(from, to);
        for command in COMMANDS {
            let refused = sandbox.qkv(command);
            assert_eq!(refused.code, Some(2), "{to}: {command}: {refused:#?}");
            assert!(refused.stderr.trim_end().ends_with("put them back"), "{to}: {command}: {refused:#?}");
        }
    }
}

#[test]
fn a_branch_replaces_what_was_edited_and_takes_over_nothing_else_of_it() {
    let sandbox = edited("lr = 0.005", "lr = 0.1");
    sandbox.refuses(
        "train run --branch new --set optimizer.clip=0.5",
        &["optimizer.lr was 0.005, now it is 0.1"],
    );
    sandbox.succeeds("train run --branch new --set optimizer.lr=0.1 --quiet");
    sandbox.succeeds("train run --branch back --set optimizer.lr=0.005 --quiet");
    let whole = Sandbox::new();
    whole.succeeds(&format!("{RUN} --out run"));
    let last = "checkpoints/step-00000012/model.safetensors";
    assert!(sandbox.read(&format!("back/{last}")) == whole.read(&format!("run/{last}")));
    assert!(sandbox.read(&format!("new/{last}")) != whole.read(&format!("run/{last}")));
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
    let sandbox = edited("snapshot_every = 20", "snapshot_every = 1");
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
    sandbox.succeeds("train run --branch branch --quiet");
    for command in COMMANDS {
        sandbox.succeeds(command);
    }
    sandbox.succeeds("verify run");
    let sandbox = edited("stop_at = 0.0", "stop_at = 0");
    let text = sandbox.read_text("run/config.toml").replace("dropout = 0.0", "dropout = 0");
    sandbox.write("run/config.toml", text);
    for command in COMMANDS {
        sandbox.succeeds(command);
    }
}
