//! Ctrl-C and `kill`: the run saves and leaves.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::running::Running;
use crate::support::sandbox::Sandbox;

/// How long a process may take to save and leave.
const LIMIT: Duration = Duration::from_secs(2);

/// Sends the signal, and returns what the process still printed until it left, in time and with this code.
#[track_caller]
fn stop_by(running: Running, signal: &str, code: i32) -> Vec<String> {
    let sent = Instant::now();
    running.send(signal);
    let ended = running.end();
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert!(sent.elapsed() < LIMIT, "{:?}", sent.elapsed());
    ended.stdout.lines().map(str::to_owned).collect()
}

/// The evaluations and the end in the log of a run.
fn results(sandbox: &Sandbox, run: &str) -> Vec<Value> {
    let results = sandbox.metrics(run).into_iter().filter(|event| event["event"] == "eval");
    results.collect()
}

#[test]
fn a_signal_saves_the_run_and_tells_itself_in_the_exit_code() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let sandbox = Sandbox::new();
        let mut running = Running::start(&sandbox, "train reverse --json --steps 1000000 --out run");
        running.wait_for("\"step\":3,");
        let last = stop_by(running, signal, code).pop().unwrap();
        let saved: Value = serde_json::from_str(&last).unwrap();
        assert_eq!(saved["event"], "saved", "{last}");
        let checkpoint = sandbox.path(saved["path"].as_str().unwrap());
        assert!(checkpoint.join("model.safetensors").is_file(), "{last}");
    }
}

#[test]
fn a_signal_is_heard_while_the_output_waits_for_its_reader() {
    let sandbox = Sandbox::new();
    let mut running = Running::start(&sandbox, "train reverse --json --steps 1000000 --out run");
    running.wait_for("\"step\":3,");
    let n_steps = || sandbox.read_text("run/metrics.jsonl").matches("\"event\":\"step\"").count();
    // Its pipe is full, and the training stands still.
    let mut before = 0;
    while before == 0 || n_steps() > before {
        before = n_steps();
        std::thread::sleep(Duration::from_millis(500));
    }
    running.send("-TERM");
    let code = running.ends_unread(LIMIT);
    if code.is_none() {
        running.send("-KILL");
    }
    assert_eq!(code, Some(143));
    let saved =
        sandbox.tree("run/checkpoints").into_keys().filter(|path| path.ends_with("MANIFEST.json")).count();
    assert_eq!(saved, 2, "step 0 and where it was stopped");
}

/// A validation after every fifth of ten steps, which takes some seconds.
const LONG_VALIDATION: &str = "train reverse --json --steps 10 --set task.seq_len=32 --set train.eval_every=5 \
                               --set train.eval_examples=30000 --set train.checkpoint_every=5";

#[test]
fn a_stopped_validation_leaves_the_run_as_it_would_have_been() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{LONG_VALIDATION} --out whole"));
    for (at, next) in [("\"step\":5,", 5), ("\"step\":10,", 10)] {
        let run = format!("stopped-{next}");
        let mut running = Running::start(&sandbox, &format!("{LONG_VALIDATION} --out {run}"));
        running.wait_for(at);
        let rest = stop_by(running, "-INT", 130);
        assert!(
            rest.iter().all(|line| !line.contains("\"eval\"") && !line.contains("\"done\"")),
            "{rest:#?}"
        );
        assert!(sandbox.path(&format!("{run}/checkpoints/step-{next:08}/model.safetensors")).is_file());
        sandbox.succeeds(&format!("train {run} --resume --quiet"));
        assert_eq!(results(&sandbox, &run), results(&sandbox, "whole"), "each evaluation once");
        assert_eq!(sandbox.metrics(&run).last().unwrap()["event"], "done");
        for part in ["checkpoints", "snapshots"] {
            assert!(
                sandbox.tree(&format!("{run}/{part}")) == sandbox.tree(&format!("whole/{part}")),
                "{run}: {part}"
            );
        }
    }
}

/// Its 10,000 test examples take some seconds.
const LONG_END: &str = "train reverse --json --steps 2 --set task.seq_len=128 --set train.eval_examples=1 --set train.batch_size=2";

#[test]
fn the_final_evaluation_hears_a_signal_and_is_made_by_a_resumed_run() {
    let sandbox = Sandbox::new();
    let mut running = Running::start(&sandbox, &format!("{LONG_END} --out run"));
    running.wait_for("step-00000002");
    let rest = stop_by(running, "-TERM", 143);
    assert!(rest.is_empty(), "{rest:#?}");
    let saved = sandbox.tree("run/checkpoints");
    sandbox.succeeds("train run --resume --quiet");
    assert_eq!(sandbox.metrics("run").last().unwrap()["event"], "done");
    assert!(sandbox.tree("run/checkpoints") == saved);
}

#[test]
fn commands_that_evaluate_hear_a_signal() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train reverse --steps 1 --quiet --out run --set train.eval_examples=1");
    let before = sandbox.tree(".");
    for command in ["eval run --examples 100000000", "ablate run --examples 200000"] {
        let running = Running::start(&sandbox, command);
        // Its handlers are in place once the run is read.
        std::thread::sleep(Duration::from_millis(500));
        assert!(stop_by(running, "-INT", 130).is_empty());
    }
    sandbox.write(
        "sweep.toml",
        "[task]\nname = \"reverse\"\n[train]\nsteps = 1000000\n[sweep]\nseed = [0, 1]\n",
    );
    let running = Running::start(&sandbox, "sweep sweep.toml --out sweep --jobs 1");
    while !sandbox.path("sweep/seed=0/snapshots").is_dir() {
        std::thread::sleep(Duration::from_millis(20));
    }
    stop_by(running, "-TERM", 143);
    assert!(!sandbox.path("sweep/seed=1").exists());
    assert!(before.keys().all(|path| sandbox.path("").join(path).exists()));
}

#[test]
fn a_second_signal_does_not_wait() {
    let sandbox = Sandbox::new();
    // One step takes many seconds.
    let line = "train reverse --json --out run --set train.batch_size=512 --set task.seq_len=512 --set model.d_model=256";
    let mut running = Running::start(&sandbox, line);
    running.wait_for("\"saved\"");
    running.send("-INT");
    std::thread::sleep(Duration::from_millis(300));
    let sent = Instant::now();
    running.send("-INT");
    let ended = running.end();
    assert!(sent.elapsed() < Duration::from_millis(500), "{:?}", sent.elapsed());
    assert_eq!(ended.code, None, "ended by the signal itself: {ended:?}");
    sandbox.succeeds("eval run --examples 1");
}
