//! The frames of the film that a run keeps.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::sandbox::Sandbox;
use crate::support::tensors::tensors;

const RUN: &str = "train reverse --quiet --steps 12 --set task.seq_len=5 --set model.n_heads=2";

#[test]
fn frames_come_as_often_as_asked_and_with_every_checkpoint() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --set train.snapshot_every=5 --set train.checkpoint_every=6"));
    let tree = sandbox.tree("run/snapshots");
    let steps: Vec<String> = tree.keys().map(|path| path.display().to_string()).collect();
    assert_eq!(steps, [0, 5, 6, 10, 12].map(|step| format!("step-{step:08}.safetensors")));
}

#[test]
fn a_frame_holds_the_matrices_the_gradients_and_the_last_change() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --set train.snapshot_every=1"));
    let frame = |step: u64| tensors(&sandbox.read(&format!("run/snapshots/step-{step:08}.safetensors")));
    let (before, after) = (frame(11), frame(12));
    let saved = tensors(&sandbox.read("run/checkpoints/step-00000012/model.safetensors"));
    let log = sandbox.metrics("run");
    let step = log.iter().find(|event| event["event"] == "step" && event["step"] == 12).unwrap();
    let mut squares = 0.0;
    for name in ["w_q", "w_k", "w_v"].map(|name| format!("blocks.0.attention.{name}")) {
        assert_eq!(after[&name], saved[&name]);
        let change = after[&name].minus(&before[&name]).norm();
        // Each value of the change is rounded to f32 once here and once there.
        let update = after[&format!("{name}.update")].norm();
        assert!((update - change).abs() < 1e-5 * change, "{name}: {update} is not {change}");
        squares += after[&format!("{name}.gradient")].norm().powi(2);
    }
    let all = step["grad_norm"].as_f64().unwrap();
    assert!(squares.sqrt() > 0.01 * all && squares.sqrt() < all, "{squares} of {all}");
    assert_eq!(after["embedding.table"], saved["embedding.table"]);
    assert!(!frame(0).keys().any(|name| name.ends_with(".gradient")), "before the first update");
}

#[test]
fn maps_that_are_too_large_for_every_frame_are_kept_with_checkpoints() {
    let sandbox = Sandbox::new();
    // Five maps of 256 × 256 are more than 1 MiB.
    let sizes =
        "--set task.seq_len=256 --set model.n_heads=5 --set model.d_model=10 --set train.batch_size=1";
    let every = "--set train.snapshot_every=1 --set train.eval_examples=1";
    sandbox.succeeds(&format!("train reverse --quiet --steps 2 {sizes} {every} --out run"));
    let keys = |step: u64| {
        let frame = tensors(&sandbox.read(&format!("run/snapshots/step-{step:08}.safetensors")));
        ["weights", "w_q", "w_q.gradient", "w_q.update"]
            .map(|name| frame.contains_key(&format!("blocks.0.attention.{name}")))
    };
    assert_eq!(keys(0), [true, true, false, false]);
    assert_eq!(keys(1), [false, true, true, true]);
    assert_eq!(keys(2), [true, true, true, true]);
}

#[test]
fn without_frames_nothing_is_kept_and_no_time_is_spent_and_the_weights_are_the_same() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out off --set train.snapshot_every=0"));
    sandbox.succeeds(&format!("{RUN} --out on --set train.snapshot_every=1"));
    assert!(!sandbox.path("off/snapshots").exists());
    let seconds = |run: &str| sandbox.metrics(run).pop().unwrap()["snapshot_seconds"].as_f64().unwrap();
    assert_eq!(seconds("off"), 0.0);
    assert!(seconds("on") > 0.0);
    let weights = "checkpoints/step-00000012/model.safetensors";
    assert!(sandbox.read(&format!("off/{weights}")) == sandbox.read(&format!("on/{weights}")));
    // The page then has the checkpoints.
    assert!(sandbox.succeeds("report off").stdout.contains("\n2 frames"));
    sandbox.succeeds("inspect off");
}

#[test]
fn a_run_that_was_stopped_keeps_the_frames_of_one_that_was_not() {
    let sandbox = Sandbox::new();
    let line = format!("{RUN} --set train.snapshot_every=2 --set train.checkpoint_every=4");
    sandbox.succeeds(&format!("{line} --out whole"));
    // As after a crash: frame 10 was there, and the checkpoint at 10 was not finished.
    sandbox.succeeds(&format!("{line} --out run --stop-after 10"));
    std::fs::remove_dir_all(sandbox.path("run/checkpoints/step-00000010")).unwrap();
    let log = sandbox.read_text("run/metrics.jsonl");
    let is_unreported = |line: &&str| !line.starts_with("{\"event\":\"saved\",\"step\":10,");
    let log: String = log.lines().filter(is_unreported).map(|line| line.to_owned() + "\n").collect();
    sandbox.write("run/metrics.jsonl", &log);
    std::fs::write(sandbox.path("run/snapshots/step-00000011.safetensors"), "left over").unwrap();
    sandbox.succeeds("train run --resume --quiet");
    assert!(sandbox.tree("run/snapshots") == sandbox.tree("whole/snapshots"));
}

#[test]
fn a_film_that_cannot_be_written_ends_with_one_warning_and_the_training_goes_on() {
    let sandbox = Sandbox::new();
    let line = "train reverse --steps 400 --set task.seq_len=5 --set train.snapshot_every=1";
    sandbox.succeeds(&format!("{line} --out whole --quiet"));
    let mut command = sandbox.command(&format!("{line} --out run"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("step ")));
    // A file in place of the folder can hold no frame.
    fs::rename(sandbox.path("run/snapshots"), sandbox.path("moved")).unwrap();
    sandbox.write("run/snapshots", "");
    let rest: Vec<String> = lines.collect();
    let run = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success(), "{stderr}");
    assert_eq!(stderr.matches("the film ends before step ").count(), 1, "{stderr}");
    assert!(stderr.contains("run/snapshots"), "{stderr}");
    assert!(rest.iter().any(|line| line.starts_with("the film is not whole: ")), "{rest:#?}");
    let last = "checkpoints/step-00000400";
    assert!(sandbox.tree(&format!("run/{last}")) == sandbox.tree(&format!("whole/{last}")));
}

#[test]
fn frames_that_a_power_cut_tore_stop_no_resume_and_are_named() {
    let sandbox = Sandbox::new();
    let line = format!("{RUN} --set train.snapshot_every=2 --set train.checkpoint_every=4");
    sandbox.succeeds(&format!("{line} --out whole"));
    sandbox.succeeds(&format!("{line} --out run --stop-after 10"));
    // Frames are not synced: the last ones may be half there, empty, or full of zeros.
    let frame = |step: u64| format!("snapshots/step-{step:08}.safetensors");
    let whole = sandbox.read(&format!("run/{}", frame(6)));
    for (step, left) in [(6, &whole[..whole.len() / 2]), (8, b""), (10, &vec![0; whole.len()][..])] {
        sandbox.write(&format!("run/{}", frame(step)), left);
    }
    sandbox.succeeds("train run --resume --quiet");
    let last = "checkpoints/step-00000012";
    assert!(sandbox.tree(&format!("run/{last}")) == sandbox.tree(&format!("whole/{last}")));
    let verified = sandbox.qkv("verify run");
    assert_eq!(
        (verified.code, verified.stdout.matches("\ndiffers  ").count()),
        (Some(1), 3),
        "{verified:#?}"
    );
    let report = sandbox.succeeds("report run");
    for step in [6, 8, 10] {
        assert!(verified.stdout.contains(&format!("\ndiffers  {}", frame(step))), "{verified:#?}");
        assert!(report.stderr.contains(&format!("without the frame of step {step}")), "{report:#?}");
    }
}
