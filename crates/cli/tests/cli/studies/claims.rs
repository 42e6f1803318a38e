//! Workers that claim runs: what becomes of a run where one of them cannot go on.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use qkv_run::RunFolder;

use crate::support::running::Running;
use crate::support::sandbox::{Finished, Sandbox};

const STUDY: &str = "task = { name = \"reverse\", seq_len = 4 }\ntrain = { steps = 2, eval_examples = 10 }\n[sweep]\nseed = [0, 1, 2]\n";

fn study(text: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("study.toml", text);
    sandbox
}

/// The run of this seed after its first step.
fn begun(sandbox: &Sandbox, seed: u64) -> RunFolder {
    sandbox.write("one.toml", STUDY.split("[sweep]").next().unwrap());
    let folder = format!("runs/study/seed={seed}");
    sandbox.succeeds(&format!("train one.toml --seed {seed} --stop-after 1 --quiet --out {folder}"));
    RunFolder::open(sandbox.path(&folder)).unwrap()
}

/// The names in the folder of a claim.
fn entries(sandbox: &Sandbox, run: &str) -> Vec<String> {
    let names = fs::read_dir(sandbox.path(&format!("runs/study/.claims/{run}"))).unwrap();
    names.map(|name| name.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_error_of_the_command_leaves_no_worker_and_no_claim_behind() {
    let sandbox = study(&STUDY.replace("steps = 2", "steps = 1000000"));
    // What no worker writes.
    for name in ["held.a.0", "held.b.0"] {
        sandbox.write(&format!("runs/study/.claims/seed=2/{name}"), "");
    }
    let run = sandbox.qkv("sweep study.toml --jobs 3 --claim --lease 3600");
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(run.stderr.contains("expected one file whose name begins with held."), "{run:#?}");
    for seed in [0, 1] {
        let entries = entries(&sandbox, &format!("seed={seed}"));
        assert!(entries.len() == 1 && entries[0].starts_with("free."), "{entries:?}");
        // Its worker was waited for.
        let run = RunFolder::open(sandbox.path(&format!("runs/study/seed={seed}"))).unwrap();
        assert!(run.latest().unwrap().step > 0 && run.locked().is_ok(), "seed {seed}");
    }
}

/// One run after the other.
const LINE: &str = "sweep study.toml --jobs 1 --claim --json";

/// The same on a machine that can write no file of a checkpoint.
fn sick(sandbox: &Sandbox) -> Finished {
    let mut sick = Command::new("sh");
    sick.args(["-c", &format!("ulimit -f 8; exec \"$0\" {LINE}"), env!("CARGO_BIN_EXE_qkv")]);
    let run: Finished = sick.current_dir(sandbox.path(".")).output().unwrap().into();
    assert_eq!((run.code, run.events().len()), (Some(1), 0), "{run:#?}");
    run
}

#[test]
fn a_machine_on_which_nothing_can_be_trained_ends_and_costs_no_run() {
    let sandbox = study(STUDY);
    // However often it is started again.
    for _ in 0..4 {
        let run = sick(&sandbox);
        assert_eq!(run.stderr.matches("error: seed=0: cannot write ").count(), 1, "{run:#?}");
        let end = "error: seed=0 is given back, because it cannot be trained here: exit code 1\n";
        assert!(run.stderr.ends_with(end), "{run:#?}");
        assert!(!sandbox.path("runs/study/.claims/seed=1").exists());
    }
    assert_eq!(sandbox.succeeds(LINE).events().len(), 3);
}

#[test]
fn what_failed_before_the_command_ended_is_named() {
    let sandbox = study(STUDY);
    // Something else lies where a run is to begin.
    sandbox.write("runs/study/seed=0/notes.txt", "mine");
    let run = sick(&sandbox);
    let end = "1 of 3 runs failed; the same command with --retry-failed tries them again:\n  seed=0: exit code 2\n\
               error: seed=1 is given back, because it cannot be trained here: exit code 1\n";
    assert!(run.stderr.ends_with(end), "{run:#?}");
}

#[test]
fn a_damaged_run_is_refused_once_and_the_others_are_trained() {
    let sandbox = study(STUDY);
    let run = begun(&sandbox, 0);
    for checkpoint in run.checkpoints().unwrap() {
        fs::write(checkpoint.manifest(), "").unwrap();
    }
    let first = sandbox.qkv(LINE);
    assert_eq!((first.code, first.events().len()), (Some(1), 2), "{first:#?}");
    let refused = entries(&sandbox, "seed=0");
    assert!(refused.len() == 1 && refused[0].starts_with("failed."), "{refused:?}");
    let second = sandbox.qkv(LINE);
    assert_eq!((second.code, entries(&sandbox, "seed=0")), (Some(1), refused), "{second:#?}");
    for run in [first, second] {
        assert_eq!(run.stderr.matches("no checkpoint of it is whole").count(), 1, "{run:#?}");
        assert!(run.stderr.contains("\n  seed=0: exit code 2"), "{run:#?}");
    }
}

/// Waits until the run that never ends is trained by another process than `before`; the id of that.
fn next_worker(sandbox: &Sandbox, before: &str) -> String {
    let started = Instant::now();
    loop {
        let read =
            |file: &str| fs::read_to_string(sandbox.path(&format!("runs/study/train.steps=1000000/{file}")));
        let (log, owner) = (read("metrics.jsonl"), read("run.lock"));
        if let (Ok(log), Ok(owner)) = (log, owner)
            && log.contains("\"event\":\"step\",\"step\":3,")
            && ![before, ""].contains(&owner.trim())
        {
            return owner.trim().to_owned();
        }
        assert!(started.elapsed() < Duration::from_secs(60), "no worker after {before}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_run_that_ends_each_of_its_processes_is_given_up_after_three() {
    let sandbox = study(
        "task = { name = \"reverse\", seq_len = 4 }\ntrain = { eval_examples = 10, checkpoint_every = 1000000 }\n\
         [sweep]\ntrain.steps = [1000000, 2]\n",
    );
    let running = Running::start(&sandbox, "sweep study.toml --json --jobs 1 --claim --lease 1");
    let mut worker = String::new();
    for _ in 0..3 {
        worker = next_worker(&sandbox, &worker);
        assert!(Command::new("kill").args(["-KILL", &worker]).status().unwrap().success());
    }
    let ended = running.end();
    assert_eq!((ended.code, ended.events().len()), (Some(1), 1), "{ended:#?}");
    let failure = "\n  train.steps=1000000: cut short 3 times without a new checkpoint, the last time because signal: 9 \
                   (SIGKILL) (of ";
    assert!(ended.stderr.contains(failure), "{ended:#?}");
    let killed = "error: train.steps=1000000: signal: 9 (SIGKILL)\n";
    assert_eq!(ended.stderr.matches(killed).count(), 3, "{ended:#?}");
}

#[test]
fn claims_of_runs_that_are_not_done_stay() {
    let sandbox = study(STUDY);
    // Another process trains more of them.
    sandbox.write("runs/study/.claims/seed=3/held.other.0", "");
    sandbox.succeeds("sweep study.toml --claim");
    assert_eq!(entries(&sandbox, "seed=3"), ["held.other.0"]);
}

#[test]
fn a_run_that_is_in_use_is_met_once_in_words_and_trained_when_it_is_free() {
    for (seed, jobs) in [(0, 1), (2, 1), (2, 2)] {
        let sandbox = study(STUDY);
        let locked = begun(&sandbox, seed).locked().unwrap();
        // Without claims it has a second turn, and then it is a failure.
        let listed = sandbox.qkv(&format!("sweep study.toml --json --jobs {jobs}"));
        assert_eq!((listed.code, listed.events().len()), (Some(3), 2), "{listed:#?}");
        assert_eq!(listed.stderr.matches("is in use by").count(), 1, "{listed:#?}");
        let failure = format!("  seed={seed}: exit code 3\nseveral processes train one study with --claim");
        assert!(listed.stderr.contains(&failure), "{listed:#?}");
        // Several looks in a second.
        let running =
            Running::start(&sandbox, &format!("sweep study.toml --json --claim --lease 1 --jobs {jobs}"));
        std::thread::sleep(Duration::from_millis(1500));
        drop(locked);
        let ended = running.end();
        assert_eq!((ended.code, ended.events().len()), (Some(0), 3), "{ended:#?}");
        assert_eq!(ended.stderr.matches("is in use by").count(), 1, "{ended:#?}");
    }
}
