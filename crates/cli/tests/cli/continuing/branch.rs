//! A new run that begins with what another has learned.

use std::fs;

use crate::support::sandbox::Sandbox;
use crate::support::tensors::tensors;

const RUN: &str = "train reverse --set train.steps=12 --set seed=3 --quiet --set model.dropout=0.2 --set task.seq_len=6 \
                   --set train.eval_every=4 --set train.checkpoint_every=5";

fn trained() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run"));
    sandbox
}

#[track_caller]
fn same_step(sandbox: &Sandbox, step: u64, one: &str, other: &str) {
    for file in ["model", "optimizer"] {
        let file = |run: &str| sandbox.read(&format!("{run}/checkpoints/step-{step:08}/{file}.safetensors"));
        assert!(file(one) == file(other), "{one} and {other} at step {step}");
    }
}

#[test]
fn a_branch_with_the_same_settings_is_the_same_run() {
    let sandbox = trained();
    // A constant rate does not depend on the length.
    let constant = "--set schedule.kind=constant";
    sandbox.succeeds(&format!("{RUN} {constant} --out parent"));
    sandbox.succeeds(&format!("{RUN} {constant} --steps 20 --out long"));
    sandbox.succeeds("train parent --branch longer --steps 20 --quiet");
    same_step(&sandbox, 12, "longer", "parent");
    same_step(&sandbox, 20, "longer", "long");
    sandbox.succeeds("train run --branch again --from 5 --quiet");
    same_step(&sandbox, 12, "again", "run");
    let steps: Vec<_> = sandbox
        .metrics("again")
        .iter()
        .filter(|event| event["event"] == "step")
        .map(|event| event["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, (6..=12).collect::<Vec<_>>());
}

#[test]
fn a_branch_records_its_parent_and_keeps_the_checkpoint_it_began_with() {
    let sandbox = trained();
    let before = sandbox.tree("run");
    let line = "train run --branch new --from 5 --set optimizer.lr=0.001 --set train.checkpoint_every=1 --set train.keep=1";
    let text = sandbox.succeeds(&format!("{line} --steps 12")).stdout;
    let config: toml::Table = sandbox.read_text("new/config.toml").parse().unwrap();
    let parent = &config["parent"];
    let path = sandbox.path("run").canonicalize().unwrap();
    assert_eq!(parent["path"].as_str().map(fs::canonicalize).unwrap().unwrap(), path);
    let manifest: serde_json::Value =
        serde_json::from_str(&sandbox.read_text("run/checkpoints/step-00000005/MANIFEST.json")).unwrap();
    let files = manifest["files"].as_array().unwrap();
    let weights = files.iter().find(|file| file["name"] == "model.safetensors").unwrap();
    assert_eq!(parent["weights"].as_str(), weights["sha256"].as_str());
    assert_eq!((parent["step"].as_integer(), parent["taken"].as_str()), (Some(5), Some("state")));
    let shown = format!("the state of {} at step 5 (weights ", parent["path"].as_str().unwrap());
    assert!(text.contains(&format!("parent   {shown}")), "{text}");
    let text = sandbox.succeeds("inspect new").stdout;
    assert!(text.contains(&format!("it began with {shown}")), "{text}");
    same_step(&sandbox, 5, "new", "run");
    assert!(sandbox.path("new/checkpoints/step-00000012").exists());
    assert!(!sandbox.path("new/checkpoints/step-00000006").exists());
    assert!(sandbox.tree("run") == before, "the parent was changed");
    sandbox.refuses("train run --branch new --from 5", &["new already holds a run; choose another folder: "]);
    sandbox.refuses("train new/config.toml --out third", &["[parent]"]);
    let config = sandbox.read_text("new/config.toml").replace("taken = \"state\"", "taken = 3");
    sandbox.write("new/config.toml", config);
    for command in ["train new --resume", "eval new", "inspect new"] {
        sandbox.refuses(command, &["parent.taken was \"state\", now it is 3"]);
    }
}

#[test]
fn a_branch_that_was_stopped_resumes_with_the_same_bytes() {
    let sandbox = trained();
    let line = "train run --from 5 --steps 15 --set optimizer.lr=0.001 --quiet";
    sandbox.succeeds(&format!("{line} --branch whole"));
    sandbox.succeeds(&format!("{line} --branch stopped --stop-after 8"));
    sandbox.succeeds("train stopped --resume --quiet");
    same_step(&sandbox, 15, "stopped", "whole");
    // As a death before the first checkpoint leaves it.
    sandbox.write("early/config.toml", sandbox.read("whole/config.toml"));
    sandbox.write("early/run.lock", "");
    sandbox.succeeds("train early --resume --quiet");
    same_step(&sandbox, 5, "early", "whole");
    same_step(&sandbox, 15, "early", "whole");
    // And where the parent is another one now.
    sandbox.write("late/config.toml", sandbox.read("whole/config.toml"));
    sandbox.write("late/run.lock", "");
    sandbox.succeeds(&format!("{RUN} --seed 4 --out run --force"));
    sandbox.refuses("train late --resume", &["the weights there are now"]);
    // And where it is no longer there, or is no run.
    fs::remove_dir_all(sandbox.path("run/checkpoints/step-00000005")).unwrap();
    let cannot = ["the run begins with the state of ", "at step 5 (weights ", "which cannot be read"];
    sandbox.refuses("train late --resume", &cannot);
    fs::remove_dir_all(sandbox.path("run")).unwrap();
    sandbox.refuses("train late --resume", &[&cannot[..], &["run does not exist"]].concat());
}

#[test]
fn weights_of_another_run_begin_a_new_one_at_step_0() {
    let sandbox = trained();
    let whole = format!("{RUN} --seed 9");
    sandbox.succeeds(&format!("{whole} --init-from run --out new"));
    let weights = "checkpoints/step-00000000/model.safetensors";
    let last = "checkpoints/step-00000012/model.safetensors";
    assert!(sandbox.read(&format!("new/{weights}")) == sandbox.read(&format!("run/{last}")));
    assert!(tensors(&sandbox.read("new/checkpoints/step-00000000/optimizer.safetensors")).is_empty());
    for path in [&format!("run/{last}"), "run/checkpoints/step-00000012"] {
        sandbox.succeeds(&format!("{whole} --init-from {path} --out other --force"));
        same_step(&sandbox, 12, "other", "new");
    }
    sandbox.succeeds(&format!("{whole} --init-from run --out stopped --stop-after 3"));
    sandbox.succeeds("train stopped --resume --quiet");
    same_step(&sandbox, 12, "stopped", "new");
    sandbox.write("early/config.toml", sandbox.read("new/config.toml"));
    sandbox.write("early/run.lock", "");
    sandbox.succeeds("train early --resume --quiet");
    same_step(&sandbox, 12, "early", "new");
    let text = sandbox.succeeds("inspect new").stdout;
    assert!(
        text.contains("it began with the weights of ") && text.contains(" at step 12 (weights "),
        "{text}"
    );
}

#[test]
fn what_does_not_fit_is_refused_with_the_tensor_and_both_shapes() {
    let sandbox = trained();
    let wider = "--set model.d_model=24";
    let shapes = ["embedding.table", "[10, 24]", "[10, 32]", "model.safetensors"];
    sandbox.refuses(
        &format!("train run --branch new --steps 20 {wider} --set model.d_k=24 --set model.d_v=24"),
        &shapes,
    );
    sandbox.refuses(&format!("{RUN} --init-from run --out new {wider}"), &shapes);
    sandbox.refuses(
        "train run --branch new --steps 20 --set task.n_symbols=7 --set model.vocab_size=7",
        &["embedding.table", "[7, 32]", "[10, 32]"],
    );
    sandbox.refuses(
        "train run --branch new --steps 20 --set model.projections=frozen",
        &["optimizer.safetensors does not fit the model", "blocks.0.attention.w_"],
    );
    sandbox.refuses("train run --branch new --from 6", &["no checkpoint of step 6"]);
    sandbox.refuses("train run --branch new", &["begins at step 12", "train.steps is 12", "--steps"]);
    sandbox.refuses("train reverse --branch new", &["reverse"]);
    sandbox.refuses(&format!("{RUN} --init-from nowhere --out new"), &["nowhere"]);
}

#[test]
fn another_optimizer_begins_with_the_weights_alone() {
    let sandbox = trained();
    sandbox.refuses(
        "train run --branch new --steps 20 --set optimizer=sgd",
        &[
            "optimizer.safetensors does not fit the optimizer that is to go on with it: it lacks `",
            "`adam-w` made it: name that one",
            ".momentum`, and has `",
            "--init-from",
        ],
    );
    sandbox.succeeds(&format!("{RUN} --init-from run --out new --set optimizer=sgd"));
    let config = sandbox.read_text("new/config.toml");
    for line in ["name = \"sgd\"", "momentum = 0.9", "nesterov = false"] {
        assert!(config.lines().any(|other| other == line), "no `{line}` in {config}");
    }
    assert!(!config.contains("beta_1"), "{config}");
    sandbox.succeeds("train new --resume --from 5 --quiet");
    // A rate that is not the default of the task stays.
    sandbox.succeeds("train run --branch slow --steps 13 --set optimizer.lr=0.001 --quiet");
    sandbox.refuses(
        "train slow --branch other --steps 20 --set optimizer=lion",
        &["`adam-w` made it", "--init-from"],
    );
    sandbox.succeeds("train slow --branch other --steps 20 --set optimizer=adam --quiet");
    assert!(sandbox.read_text("other/config.toml").contains("name = \"adam\"\nlr = 0.001\n"));
    sandbox.refuses("eval new --set optimizer=adam-w", &["optimizer.name was \"sgd\", now it is \"adam-w\""]);
}

#[test]
fn a_setting_of_the_optimizer_that_is_no_longer_in_the_config_is_noticed() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --set optimizer=sgd --set optimizer.momentum=0.5"));
    let config = sandbox.read_text("run/config.toml");
    assert!(config.contains("momentum = 0.5\n"), "{config}");
    sandbox.write("run/config.toml", config.replace("momentum = 0.5\n", ""));
    for command in ["inspect run", "eval run", "train run --resume", "report run"] {
        sandbox.refuses(command, &["optimizer.momentum was 0.5, now it is 0.9"]);
    }
}

#[test]
fn another_vocabulary_of_the_same_size_is_refused() {
    let sandbox = Sandbox::new();
    let fast = "--set task.seq_len=4 --set train.batch_size=2 --set train.eval_examples=2 --set model.d_model=8 --quiet";
    sandbox.write("abc.txt", "abc".repeat(50));
    sandbox.write("abd.txt", "abd".repeat(50));
    sandbox.succeeds(&format!("train chars --set task.text=abc.txt --steps 1 --out run {fast}"));
    sandbox.refuses(
        &format!("train chars --set task.text=abd.txt --steps 1 --init-from run --out new {fast}"),
        &["another vocabulary: token 2 is `c` there and `d` here"],
    );
    let other_text = "--set task.text=abd.txt --set task.fingerprint=";
    sandbox.refuses(
        &format!("train run --branch new --steps 3 {other_text}"),
        &["another vocabulary: token 2 is `c` there and `d` here"],
    );
}

#[test]
fn a_branch_and_the_run_that_it_began_with_verify() {
    let sandbox = trained();
    sandbox.succeeds("train run --branch new --from 5 --set optimizer.lr=0.001 --quiet");
    for run in ["run", "new"] {
        let verified = sandbox.succeeds(&format!("verify {run}"));
        assert!(verified.stdout.contains(" files checked, no difference found\n"), "{verified:#?}");
    }
}

#[test]
fn what_a_new_run_begins_with_is_not_overwritten_by_it() {
    let sandbox = trained();
    for from in ["run", "run/checkpoints/step-00000012", "run/checkpoints/step-00000012/model.safetensors"] {
        let line = format!("{RUN} --init-from {from} --out run --force");
        sandbox.refuses(&line, &["run would be overwritten", from, "choose another --out"]);
    }
}

#[test]
fn a_run_is_not_gone_on_with_in_another_folder() {
    let sandbox = trained();
    sandbox.refuses("train run --resume --out elsewhere", &["--resume goes on in run", "--branch"]);
    sandbox.succeeds("train run --resume --out run --quiet");
    assert!(!sandbox.path("elsewhere").exists());
}

#[test]
fn the_matrices_of_a_branch_moved_since_its_own_first_step() {
    let sandbox = trained();
    sandbox.succeeds("train run --branch new --from 5 --set optimizer.lr=0.05 --quiet");
    let moved = |text: &str| {
        let row = text.lines().find(|line| line.trim_start().starts_with("W_Q ")).unwrap();
        let figures: Vec<&str> = row.split_whitespace().rev().take(2).collect();
        (figures[1].parse::<f64>().unwrap_or(f64::NAN), figures[0].parse::<f64>().unwrap_or(f64::NAN))
    };
    let text = sandbox.succeeds("inspect new").stdout;
    assert!(text.contains("W_0 is the matrix at step 5\n"), "{text}");
    let start = tensors(&sandbox.read("new/checkpoints/step-00000005/model.safetensors"));
    let end = tensors(&sandbox.read("new/checkpoints/step-00000012/model.safetensors"));
    let name = "blocks.0.attention.w_q";
    let distance = end[name].minus(&start[name]).norm() / start[name].norm();
    // Four digits are shown.
    assert!((moved(&text).0 - distance).abs() < 1e-3 * distance, "{text}");
    let text = sandbox.succeeds("inspect new/checkpoints/step-00000005").stdout;
    assert_eq!(moved(&text), (0.0, 1.0));
    let text = sandbox.succeeds("inspect run").stdout;
    assert!(text.contains("W_0 is the matrix at step 0\n"), "{text}");
}

#[test]
fn the_weights_of_a_checkpoint_are_checked_where_their_file_is_named_too() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train reverse --quiet --set train.steps=2 --out run");
    let file = "run/checkpoints/step-00000002/model.safetensors";
    let begin = |out: &str| {
        sandbox.qkv(&format!("train reverse --quiet --set train.steps=1 --init-from {file} --out {out}"))
    };
    assert_eq!(begin("whole").code, Some(0));
    let mut bytes = sandbox.read(file);
    *bytes.last_mut().unwrap() ^= 1;
    sandbox.write(file, bytes);
    let refused = begin("flipped");
    assert!(refused.code != Some(0) && refused.stderr.contains("SHA-256"), "{refused:#?}");
    assert!(!sandbox.path("flipped").exists());
}
