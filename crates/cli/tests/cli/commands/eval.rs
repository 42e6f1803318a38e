//! The figures of `eval`.

use crate::support::sandbox::Sandbox;
use crate::support::trained::sandbox_with_the_main_job;

#[test]
fn eval_repeats_the_figures_of_the_end_of_the_run() {
    let sandbox = sandbox_with_the_main_job();
    let done = sandbox.metrics("run").pop().unwrap();
    let events = sandbox.succeeds("eval run --json").events();
    assert_eq!(events.len(), 1);
    assert_eq!((&events[0]["event"], &events[0]["split"]), (&"eval".into(), &"test".into()));
    for key in ["step", "loss", "accuracy", "sequence_accuracy", "examples"] {
        assert_eq!(events[0][key], done[key], "{key}");
    }
}

#[test]
fn eval_prints_its_figures_on_one_line() {
    let sandbox = sandbox_with_the_main_job();
    let run = sandbox.succeeds("eval run --examples 300 --threads 1");
    assert_eq!(run.stdout.lines().count(), 1, "{run:?}");
    for text in ["accuracy 1.0000", "sequence accuracy 1.0000", "on 300 test examples", "step 500"] {
        assert!(run.stdout.contains(text), "no `{text}` in {}", run.stdout);
    }
}

#[test]
fn the_metrics_of_a_run_are_in_its_log_its_table_and_its_json() {
    let sandbox = Sandbox::new();
    let short = "--set task.seq_len=3 --steps 20 --set train.eval_every=10 --set train.eval_examples=50";
    let metrics = "--set train.metrics=['accuracy','slice-loss'] --set train.stop_metric=loss/2";
    let printed = sandbox.succeeds(&format!("train reverse {short} {metrics} --out run")).stdout;
    assert!(printed.contains("  loss/2 ") && printed.contains("\n  loss/0 "), "{printed}");
    assert!(!printed.contains("sequence accuracy"), "{printed}");
    let is_whole = |event: &serde_json::Value| {
        let slices = ["loss/0", "loss/1", "loss/2"].map(|name| event["metrics"][name].as_f64().unwrap());
        let mean = slices.iter().sum::<f64>() / 3.0;
        assert!((mean - event["loss"].as_f64().unwrap()).abs() < 1e-6, "{event}");
        assert_eq!(event.get("sequence_accuracy"), None, "{event}");
    };
    let log = sandbox.metrics("run");
    let of_log: Vec<_> = log.iter().filter(|event| event["event"] == "eval").collect();
    assert_eq!(of_log.len(), 2);
    of_log.into_iter().chain(log.last()).for_each(is_whole);
    let event = sandbox.succeeds("eval run --json --examples 100").events().remove(0);
    is_whole(&event);
    let one_thread = sandbox.succeeds("eval run --json --examples 100 --threads 1").events().remove(0);
    assert_eq!(one_thread, event);
    let table = sandbox.succeeds("eval run --examples 100").stdout;
    let line = format!("  loss/1  {:.4}\n", event["metrics"]["loss/1"].as_f64().unwrap());
    assert!(table.starts_with("accuracy ") && table.contains(&line), "{table}");
    let story = sandbox.succeeds("report run").stdout;
    assert!(story.contains("`loss/0` on held-out examples: "), "{story}");
    sandbox.refuses(
        "train run --resume --from 0 --set train.stop_metric=top",
        &["loss/0, loss/1, loss/2", "`top`"],
    );
}

#[test]
fn exact_evaluation_goes_through_every_input_once() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train reverse --set task.seq_len=5 --set task.n_symbols=3 --steps 1 --quiet --out run");
    let event = sandbox.succeeds("eval run --exact --json").events().remove(0);
    assert_eq!((&event["examples"], &event["split"]), (&3_u64.pow(5).into(), &"all".into()));
    // Each input counts once, so the share is a whole number of them.
    let right = event["sequence_accuracy"].as_f64().unwrap() * 243.0;
    assert!((right - right.round()).abs() < 1e-9, "{event}");
}

#[test]
fn eval_reads_the_latest_checkpoint_and_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train reverse --steps 3 --set train.checkpoint_every=1 --quiet --out run");
    let before = sandbox.tree(".");
    let event = sandbox.succeeds("eval run --json --examples 10").events().remove(0);
    assert_eq!(event["step"], 3);
    assert!(sandbox.tree(".") == before);
}
