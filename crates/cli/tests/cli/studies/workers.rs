//! The processes that train the runs: what happens to them, and to the one that started them.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::running::Running;
use crate::support::sandbox::{Finished, Sandbox};

/// A run that takes minutes and one of two steps.
const LONG_AND_SHORT: &str = "task = { name = \"reverse\", seq_len = 4 }\ntrain.eval_examples = 10\n\
                              [sweep]\ntrain.steps = [1000000, 2]\n";

/// The folder of the first of them.
const LONG: &str = "runs/study/train.steps=1000000";

fn study() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("study.toml", LONG_AND_SHORT);
    sandbox
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "waited for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the long run is under way; the process id of its worker.
fn worker(sandbox: &Sandbox) -> String {
    wait_until("a step of the long run", || {
        let log = std::fs::read_to_string(sandbox.path(&format!("{LONG}/metrics.jsonl")));
        log.is_ok_and(|log| log.contains("\"event\":\"step\",\"step\":3,"))
    });
    sandbox.read_text(&format!("{LONG}/run.lock")).trim().to_owned()
}

fn send(signal: &str, process: &str) {
    assert!(Command::new("kill").args([signal, process]).status().unwrap().success());
}

#[test]
fn a_worker_that_is_killed_is_one_failed_run() {
    for (signal, how) in [("-KILL", "signal: 9 (SIGKILL)"), ("-TERM", "its worker was stopped by a signal")] {
        let sandbox = study();
        let running = Running::start(&sandbox, "sweep study.toml --json --jobs 1");
        let worker = worker(&sandbox);
        send(signal, &worker);
        let ended = running.end();
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        assert_eq!(ended.events().len(), 1, "{ended:#?}");
        // When it happens, and at the end.
        let at_once = format!("error: train.steps=1000000: {how}\n");
        assert_eq!(ended.stderr.matches(&at_once).count(), 1, "{ended:#?}");
        let failed =
            format!("1 of 2 runs failed; the same command tries them again:\n  train.steps=1000000: {how}\n");
        assert!(ended.stderr.ends_with(&failed), "{ended:#?}");
    }
}

/// Whether the process has a handler of SIGTERM.
fn hears_sigterm(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() >> (15 - 1) & 1 == 1
}

#[test]
fn a_worker_that_has_no_config_yet_hears_a_signal() {
    let sandbox = Sandbox::new();
    sandbox.write("run.toml", "task = { name = \"reverse\", seq_len = 4 }\ntrain.steps = 1000000\n");
    let worker = waiting(&sandbox, "worker run");
    wait_until("a handler of SIGTERM", || hears_sigterm(worker.id()));
    send("-TERM", &worker.id().to_string());
    let ended = end_of(worker, &sandbox.read_text("run.toml"));
    assert_eq!(ended.code, Some(143), "{ended:#?}");
}

/// A worker that waits for its config.
fn waiting(sandbox: &Sandbox, line: &str) -> Child {
    let piped = Stdio::piped;
    sandbox.command(line).stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap()
}

/// Gives it one, and waits for its end.
fn end_of(mut worker: Child, config: &str) -> Finished {
    let mut input = worker.stdin.take().unwrap();
    writeln!(input, "{}", serde_json::to_string(config).unwrap()).unwrap();
    worker.wait_with_output().unwrap().into()
}

#[test]
fn what_a_machine_lacks_is_no_failure_of_the_run() {
    let sandbox = Sandbox::new();
    sandbox.write("other/notes.txt", "mine");
    let reverse = "task = { name = \"reverse\", seq_len = 4 }\n";
    let chars = "task = { name = \"chars\", text = \"gone.txt\" }\n";
    for (line, config, code, message) in [
        ("worker run --max-memory 1k", reverse, 1, "that --max-memory allows"),
        ("worker run --device none:7", reverse, 1, "none:7"),
        ("worker run", chars, 1, "gone.txt"),
        ("worker other", reverse, 2, "holds no run of this program"),
    ] {
        let ended = end_of(waiting(&sandbox, line), config);
        assert!(ended.code == Some(code) && ended.stderr.contains(message), "{line}: {ended:#?}");
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.lines().count() == 1, "{ended:#?}");
    }
    assert_eq!(sandbox.tree(".").len(), 2);
}

#[test]
fn a_signal_reaches_every_worker_and_all_are_saved() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let sandbox = Sandbox::new();
        sandbox.write("study.toml", LONG_AND_SHORT.replace("1000000, 2", "1000000, 2000000"));
        let running = Running::start(&sandbox, "sweep study.toml --jobs 2");
        worker(&sandbox);
        wait_until("the other run", || {
            sandbox.path("runs/study/train.steps=2000000/metrics.jsonl").is_file()
        });
        let sent = Instant::now();
        running.send(signal);
        let ended = running.end();
        assert!(sent.elapsed() < Duration::from_secs(2), "{:?}", sent.elapsed());
        assert_eq!(ended.code, Some(code), "{ended:#?}");
        for run in ["train.steps=1000000", "train.steps=2000000"] {
            assert!(ended.stderr.contains(&format!("{run}: stopped at step ")), "{ended:#?}");
        }
        let shown = sandbox.succeeds("runs runs/study --json").events();
        assert!(shown.len() == 2 && shown.iter().all(|run| run["state"] == "stopped"), "{shown:#?}");
    }
}

#[test]
fn no_worker_outlives_the_command_and_a_run_goes_on_where_it_was_saved() {
    let sandbox = study();
    let running = Running::start(&sandbox, "sweep study.toml --jobs 1");
    let worker = worker(&sandbox);
    running.send("-KILL");
    assert_eq!(running.end().code, None);
    wait_until("the end of the worker", || !Path::new("/proc").join(&worker).exists());
    let shown = sandbox.succeeds("runs runs/study --json").events();
    let step = shown[0]["step"].as_u64().unwrap();
    assert!(shown[0]["state"] == "stopped" && step >= 3, "{shown:#?}");
    let mut saved = sandbox.metrics(LONG).into_iter().filter(|event| event["event"] == "saved");
    assert_eq!(saved.next_back().unwrap()["step"], step);
    // The same command goes on after that step.
    let running = Running::start(&sandbox, "sweep study.toml --jobs 1");
    wait_until("a step after it", || {
        sandbox
            .read_text(&format!("{LONG}/metrics.jsonl"))
            .contains(&format!("\"step\",\"step\":{},", step + 5))
    });
    running.send("-INT");
    assert_eq!(running.end().code, Some(130));
    let starts: Vec<_> =
        sandbox.metrics(LONG).into_iter().filter(|event| event["event"] == "start").collect();
    assert_eq!(starts.last().unwrap()["step"], step, "{starts:#?}");
}

#[test]
fn a_program_that_is_replaced_meanwhile_trains_all_runs_itself() {
    let sandbox = Sandbox::new();
    sandbox.write("study.toml", LONG_AND_SHORT.replace("1000000, 2", "400, 2"));
    std::fs::copy(env!("CARGO_BIN_EXE_qkv"), sandbox.path("qkv")).unwrap();
    let mut command = Command::new(sandbox.path("qkv"));
    command.args(["sweep", "study.toml", "--jobs", "1"]).current_dir(sandbox.path("."));
    let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    wait_until("the first run", || sandbox.path("runs/study/train.steps=400/metrics.jsonl").is_file());
    std::fs::remove_file(sandbox.path("qkv")).unwrap();
    sandbox.write("qkv", "another program");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2);
}

/// The threads that computed a run.
fn threads(sandbox: &Sandbox, run: &str) -> u64 {
    sandbox.metrics(run)[0]["threads"].as_u64().unwrap()
}

#[test]
fn the_runs_at_a_time_share_the_cores() {
    let sandbox = Sandbox::new();
    let cores = std::thread::available_parallelism().unwrap().get() as u64;
    sandbox.write(
        "study.toml",
        "task = { name = \"reverse\", seq_len = 4 }\ntrain.steps = 1\n[sweep]\nseed = [0, 1]\n",
    );
    for (options, expected) in [
        ("", (cores / 2).max(1)),
        ("--jobs 1", cores),
        ("--jobs 2 --threads 3", 3),
        ("--threads 2", 2),
        // Those that there are.
        ("--jobs 1000", (cores / 2).max(1)),
    ] {
        let out = format!("out{}", options.replace(' ', ""));
        sandbox.succeeds(&format!("sweep study.toml --out {out} {options}"));
        assert_eq!(threads(&sandbox, &format!("{out}/seed=1")), expected, "{options}");
    }
}
