//! The log of a run reports each of its checkpoints once, and a state that was loaded is not saved again.

use std::time::SystemTime;

use qkv_run::RunFolder;
use serde_json::Value;

use crate::support::sandbox::Sandbox;

const RUN: &str = "train reverse --steps 12 --seed 3 --quiet --set task.seq_len=6 --set train.eval_every=4 \
                   --set train.eval_examples=20 --set train.checkpoint_every=5 --set train.snapshot_every=6 \
                   --set train.keep=100";

/// The steps that the log reports as saved must be these, and those of the checkpoints.
#[track_caller]
fn are_saved_once(sandbox: &Sandbox, run: &str, expected: &[u64]) {
    let saved = sandbox.metrics(run).into_iter().filter(|event| event["event"] == "saved");
    let mut reported: Vec<u64> = saved.map(|event| event["step"].as_u64().unwrap()).collect();
    reported.sort();
    assert_eq!(reported, expected, "{run}: reported");
    let names = sandbox.tree(&format!("{run}/checkpoints")).into_keys();
    let step = |name: &str| name.strip_prefix("step-")?.parse().ok();
    let found: Vec<u64> = names.filter_map(|name| step(name.to_str()?)).collect();
    assert_eq!(found, expected, "{run}: found");
}

fn written_at(sandbox: &Sandbox, run: &str, step: u64) -> SystemTime {
    let folder = sandbox.path(&format!("{run}/checkpoints/step-{step:08}"));
    folder.metadata().unwrap().modified().unwrap()
}

#[test]
fn a_run_that_goes_on_from_its_start_does_not_save_it_again() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --stop-after 7"));
    are_saved_once(&sandbox, "run", &[0, 5, 7]);
    let before = written_at(&sandbox, "run", 0);
    sandbox.succeeds("train run --resume --from 0 --stop-after 6 --quiet");
    sandbox.succeeds("train run --resume --quiet");
    assert_eq!(written_at(&sandbox, "run", 0), before);
    are_saved_once(&sandbox, "run", &[0, 5, 6, 10, 12]);
}

#[test]
fn a_checkpoint_whose_report_was_lost_is_reported_by_the_process_that_goes_on_from_it() {
    for step in [0, 5, 8, 10] {
        let sandbox = Sandbox::new();
        // A run cannot be asked to make no step.
        let stop = step.max(1);
        sandbox.succeeds(&format!("{RUN} --out run --stop-after {stop}"));
        if step < stop {
            std::fs::remove_dir_all(sandbox.path("run/checkpoints/step-00000001")).unwrap();
        }
        // As a death leaves it between the checkpoint and its report.
        let log = sandbox.read_text("run/metrics.jsonl");
        let is_report = |line: &&str| {
            let event: Value = serde_json::from_str(line).unwrap();
            event["event"] == "saved" && event["step"] == step
        };
        let kept: String =
            log.lines().filter(|line| !is_report(line)).map(|line| line.to_owned() + "\n").collect();
        assert_eq!(kept.lines().count() + 1, log.lines().count(), "{log}");
        sandbox.write("run/metrics.jsonl", kept);
        sandbox.succeeds("train run --resume --quiet");
        let mut expected = vec![0, 5, 10, 12, step];
        expected.sort();
        expected.dedup();
        are_saved_once(&sandbox, "run", &expected);
    }
}

#[test]
fn a_branch_reports_its_first_checkpoint_and_saves_it_once() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --set train.checkpoint_every=4"));
    for (from, expected) in [(0, [0, 5, 10, 12]), (4, [4, 5, 10, 12])] {
        let branch = format!("branch-{from}");
        let line = format!("train run --branch {branch} --from {from} --set optimizer.lr=0.001");
        let events = sandbox.succeeds(&format!("{line} --set train.checkpoint_every=5 --json")).events();
        are_saved_once(&sandbox, &branch, &expected);
        let kinds =
            events.iter().map(|event| format!("{} {}", event["event"].as_str().unwrap(), event["step"]));
        // The start of a run is not evaluated; a later state is, as in the run that it comes from.
        let start: Vec<String> = kinds.take_while(|kind| !kind.starts_with("step")).collect();
        let eval = (from > 0).then(|| format!("eval {from}"));
        let mut expected = vec![format!("start {from}")];
        expected.extend(eval);
        expected.push(format!("saved {from}"));
        assert_eq!(start, expected);
        assert!(sandbox.path(&format!("{branch}/snapshots/step-{from:08}.safetensors")).is_file());
    }
}

#[test]
fn a_checkpoint_that_gets_its_evaluation_from_a_later_process_is_reported_once() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out whole --set train.checkpoint_every=4"));
    sandbox.succeeds(&format!("{RUN} --out run --set train.checkpoint_every=4 --stop-after 8"));
    // As a signal in the evaluation leaves it.
    let log = sandbox.read_text("run/metrics.jsonl");
    let kept = log.lines().filter(|line| !(line.contains("\"eval\"") && line.contains("\"step\":8,")));
    sandbox.write("run/metrics.jsonl", kept.map(|line| line.to_owned() + "\n").collect::<String>());
    sandbox.succeeds("train run --resume --quiet");
    are_saved_once(&sandbox, "run", &[0, 4, 8, 12]);
    assert!(sandbox.tree("run/checkpoints") == sandbox.tree("whole/checkpoints"));
}

#[test]
fn a_checkpoint_without_the_evaluation_that_the_log_has_gets_it_and_the_log_has_it_once() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out whole --set train.checkpoint_every=4"));
    sandbox.succeeds(&format!("{RUN} --out run --set train.checkpoint_every=4 --stop-after 8"));
    // As the death of a process leaves it that had made the evaluation of an earlier one.
    let run = RunFolder::open(sandbox.path("run")).unwrap();
    let mut contents = run.checkpoint(8).read().unwrap();
    assert!(contents.description.evaluation.take().is_some());
    run.write_checkpoint(8, &contents).unwrap();
    sandbox.succeeds("train run --resume --quiet");
    are_saved_once(&sandbox, "run", &[0, 4, 8, 12]);
    assert!(sandbox.tree("run/checkpoints") == sandbox.tree("whole/checkpoints"));
    let evaluations = sandbox.metrics("run").into_iter().filter(|event| event["event"] == "eval");
    let steps: Vec<Value> = evaluations.map(|event| event["step"].clone()).collect();
    assert_eq!(steps, [4, 8, 12]);
}
