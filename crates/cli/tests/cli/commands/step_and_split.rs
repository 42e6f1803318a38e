//! One step and one split of a run, in every command that takes them.

use crate::support::sandbox::Sandbox;

/// A run with checkpoints of steps 0 to 3.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.succeeds(
        "train reverse --steps 3 --set train.checkpoint_every=1 --set train.eval_every=1 --set train.eval_examples=20 \
         --set task.seq_len=5 --quiet --out run",
    );
    sandbox
}

const COMMANDS: [&str; 7] = [
    "eval --examples 20",
    "eval --examples 20 --json",
    "ablate --examples 20",
    "ablate --examples 20 --json",
    "explain",
    "sample --prompt ABCDE --json",
    "inspect",
];

#[test]
fn a_step_and_the_folder_of_its_checkpoint_show_the_same() {
    let sandbox = sandbox();
    let before = sandbox.tree(".");
    for command in COMMANDS {
        let shown = |run: &str| {
            let (name, options) = command.split_once(' ').unwrap_or((command, ""));
            let page = sandbox.succeeds(&format!("{name} {run} {options}")).stdout;
            // Where the path is shown, it comes first.
            page.split_once(" at step").map_or(page.clone(), |(_, rest)| rest.to_owned())
        };
        let by_number = shown("run --step 1");
        assert_eq!(by_number, shown("run/checkpoints/step-00000001"), "{command}");
        assert_eq!(by_number, shown("run/checkpoints/step-00000001 --step 1"), "{command}");
        assert_eq!(shown("run"), shown("run --step 3"), "{command}");
        assert_ne!(by_number, shown("run"), "{command}");
    }
    assert!(sandbox.tree(".") == before);
}

#[test]
fn a_film_that_ends_at_a_step_shows_nothing_later() {
    let sandbox = sandbox();
    let film = |line: &str| {
        let story = sandbox.succeeds(&format!("report {line} --out page.html --svg svg")).stdout;
        let strip = sandbox.read_text("svg/film_blocks_0_attention_head_0.svg");
        assert!(strip.contains("\nstep 2\n"), "{strip}");
        assert_eq!(strip.contains("\nstep 3\n"), line == "run", "{line}");
        let frames = if line == "run" { "4 frames" } else { "3 frames" };
        assert!(story.contains(frames), "{story}");
        sandbox.read_text("page.html")
    };
    let page = film("run --step 2");
    assert_eq!(page, film("run/checkpoints/step-00000002"));
    assert_ne!(page, film("run"));
    sandbox.refuses("report run --step 9", &["no checkpoint of step 9; it has those of 0, 1, 2, 3"]);
}

#[test]
fn a_step_without_a_checkpoint_is_answered_with_those_there_are() {
    let sandbox = sandbox();
    for command in ["eval", "ablate", "explain", "sample", "inspect"] {
        let known = "no checkpoint of step 9; it has those of 0, 1, 2, 3";
        sandbox.refuses(&format!("{command} run --step 9"), &["run has", known]);
        let other = format!("{command} run/checkpoints/step-00000001 --step 2");
        sandbox.refuses(&other, &["checkpoint of step 1", "--step asks for 2", "name the run, run"]);
    }
    for command in ["eval", "ablate", "explain", "verify"] {
        let missing = format!("{command} run/checkpoints/step-00000009");
        sandbox.refuses(&missing, &["no checkpoint of step 9; it has those of 0, 1, 2, 3"]);
    }
}

#[test]
fn a_validation_figure_is_that_of_the_log_at_the_same_step() {
    let sandbox = sandbox();
    let log = sandbox.metrics("run");
    for step in [1, 2] {
        let line = format!("eval run --step {step} --split validation --examples 20 --json");
        let event = sandbox.succeeds(&line).events().remove(0);
        let logged = log.iter().find(|event| event["event"] == "eval" && event["step"] == step).unwrap();
        for key in ["split", "step", "loss", "accuracy", "sequence_accuracy", "examples"] {
            assert_eq!(event[key], logged[key], "{key} at step {step}");
        }
    }
}

#[test]
fn every_output_names_its_split_and_what_was_trained_on() {
    let sandbox = sandbox();
    let mut losses = Vec::new();
    for (split, examples) in [("train", "training"), ("validation", "validation"), ("test", "test")] {
        let shown = |command: &str| sandbox.succeeds(&format!("{command} run --split {split}"));
        for event in shown("ablate --examples 20 --json").events() {
            assert_eq!((&event["split"], &event["step"]), (&split.into(), &3.into()), "{event}");
        }
        let event = shown("eval --examples 20 --json").events().remove(0);
        assert_eq!(event["split"], split);
        losses.push(event["loss"].as_f64().unwrap());
        let warns = |text: &str| text.contains("of inputs that were trained on");
        for command in ["eval --examples 20", "ablate --examples 20"] {
            let text = shown(command).stdout;
            assert!(text.contains(&format!("20 {examples} examples")), "{text}");
            assert_eq!(warns(&text), split == "train", "{text}");
        }
        let text = shown("explain").stdout;
        assert!(text.contains(&format!("the first of the {examples} examples")), "{text}");
        assert_eq!(warns(&text), split == "train", "{text}");
    }
    assert!(losses[0] != losses[1] && losses[1] != losses[2], "{losses:?}");
    let untrained = sandbox.succeeds("eval run --step 0 --split train --examples 20").stdout;
    assert!(!untrained.contains("trained on"), "{untrained}");
    sandbox.refuses("eval run --split dev", &["'dev'", "train, validation, test"]);
    sandbox.refuses("eval run --exact --split test", &["--exact", "--split"]);
    sandbox.refuses("explain run 12340 --split train", &["--split", "[INPUT]"]);
}

#[test]
fn a_checkpoint_that_was_copied_out_of_its_run_is_read_with_its_own_config() {
    let sandbox = sandbox();
    sandbox.place("lone", &sandbox.tree("run/checkpoints/step-00000001"));
    for command in ["eval --examples 20", "eval --examples 20 --json", "ablate --examples 20", "explain"] {
        let shown = |run: &str| {
            let (name, options) = command.split_once(' ').unwrap_or((command, ""));
            sandbox.succeeds(&format!("{name} {run} {options}")).stdout.replace(run, "it")
        };
        assert_eq!(shown("lone"), shown("run/checkpoints/step-00000001"), "{command}");
    }
    let other = "lone is a checkpoint of step 1 that lies in no run";
    sandbox.refuses("eval lone --step 2", &[other, "--step asks for 2"]);
    sandbox
        .refuses("eval lone --set model.dropout=0.5", &["was started with other settings", "model.dropout"]);
    sandbox.refuses("report lone", &[other, "needs the run"]);
    let files = sandbox.succeeds("verify lone").stdout;
    assert!(files.contains("4 files checked, no difference found"), "{files}");
    sandbox.write("lone/optimizer.safetensors", "");
    assert_eq!(sandbox.qkv("verify lone").code, Some(1));
}

#[test]
fn a_file_in_place_of_a_folder_is_answered_with_the_folder() {
    let sandbox = sandbox();
    let checkpoint = "run/checkpoints/step-00000001";
    for (file, folder) in [
        ("run/config.toml".to_owned(), "run"),
        ("run/snapshots/step-00000001.safetensors".to_owned(), "run"),
        (format!("{checkpoint}/model.safetensors"), checkpoint),
    ] {
        sandbox.refuses(&format!("eval {file}"), &[&format!("{file} is a file; name the folder {folder}\n")]);
    }
    std::fs::remove_dir_all(sandbox.path("run/checkpoints")).unwrap();
    sandbox.refuses("eval run --step 0", &["run has no checkpoint of step 0; it has none of any other"]);
}

#[test]
fn a_checkpoint_is_verified_alone_and_begins_a_branch() {
    let sandbox = sandbox();
    let checkpoint = "run/checkpoints/step-00000001";
    let files = sandbox.succeeds(&format!("verify {checkpoint}")).stdout;
    assert!(files.contains("4 files checked, no difference found"), "{files}");
    assert!(files.lines().take(4).all(|line| line.contains("checkpoints/step-00000001/")), "{files}");
    sandbox.succeeds(&format!("train {checkpoint} --branch new --steps 5 --quiet"));
    assert!(sandbox.read_text("new/config.toml").contains("step = 1\n"));
    let refused = format!("train {checkpoint} --branch other --from 2");
    sandbox.refuses(&refused, &["checkpoint of step 1", "--from asks for 2"]);
    sandbox.refuses(&format!("train {checkpoint}"), &["is a checkpoint of run", "--branch NEWDIR"]);
    sandbox.refuses(
        &format!("train {checkpoint} --resume"),
        &["is a checkpoint of run", "train run --resume --from 1"],
    );
    // Its weights begin a run, and a film that ends with it is shown beside another.
    let small = "train reverse --steps 2 --quiet --set task.seq_len=5 --set train.eval_examples=20";
    sandbox.succeeds(&format!("{small} --init-from {checkpoint} --out init"));
    assert_eq!(
        sandbox.read("init/checkpoints/step-00000000/model.safetensors"),
        sandbox.read("run/checkpoints/step-00000001/model.safetensors")
    );
    sandbox.refuses(
        &format!("{small} --init-from run/checkpoints/step-00000009 --out other"),
        &["run has no checkpoint of step 9; it has those of 0, 1, 2, 3"],
    );
    sandbox.succeeds(&format!("report init --with {checkpoint} --out beside.html"));
    sandbox.succeeds("report init --with run --out whole.html");
    assert!(sandbox.read("beside.html").len() < sandbox.read("whole.html").len());
    // A damaged checkpoint is no reason to doubt another.
    sandbox.write("run/checkpoints/step-00000002/model.safetensors", "");
    sandbox.succeeds(&format!("verify {checkpoint}"));
    assert_eq!(sandbox.qkv("verify run/checkpoints/step-00000002").code, Some(1));
}
