//! Workers of a study that die, or stop for a while: the others train their runs, and every run ends as in a study to which
//! nothing happened.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use qkv::model::random::{Purpose, Rng, stream};
use rand::RngExt;

use crate::ending::Ending;
use crate::support::sandbox::{Finished, Sandbox};
use crate::tiny_run::has_no_left_overs;

const STUDY: &str = "[task]\nname = \"reverse\"\nseq_len = 5\nn_symbols = 6\n[model]\nd_model = 16\nn_heads = 2\n\
    dropout = 0.1\n[train]\nsteps = 400\nbatch_size = 32\neval_every = 50\neval_examples = 200\ncheckpoint_every = 5\n\
    [sweep]\nseed = [0, 1, 2, 3, 4]\n[sweep.model]\nprojections = [\"learned\", \"frozen\"]\n";

/// Seconds.
const LEASE: u64 = 2;

/// How often two of four workers are killed.
const N_STUDIES: u64 = 4;

/// Longer than any of these studies takes.
const LONGEST: Duration = Duration::from_secs(120);

struct Worker(Child);

impl Worker {
    /// A worker with one process for its runs, both in a group of their own.
    fn start(sandbox: &Sandbox) -> Self {
        let line = format!("sweep study.toml --out shared --jobs 1 --claim --lease {LEASE} --json");
        let mut command = sandbox.command(&line);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap())
    }

    /// Sends a signal to the worker, or to its group, by the start of its number.
    fn send(&self, signal: &str, of_group: &str) {
        let target = format!("{of_group}{}", self.0.id());
        assert!(Command::new("kill").args([signal, "--", &target]).status().unwrap().success());
    }

    fn dies(mut self) {
        assert_eq!(self.0.wait().unwrap().signal(), Some(9));
    }

    fn succeeds(self) -> Finished {
        let run: Finished = self.0.wait_with_output().unwrap().into();
        assert_eq!(run.code, Some(0), "{run:#?}");
        run
    }
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LONGEST, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The runs that a worker has under way, by the entries of their claims.
fn held(sandbox: &Sandbox, worker: &Worker) -> usize {
    let of_worker = format!("-{}-", worker.0.id());
    let Ok(claims) = std::fs::read_dir(sandbox.path("shared/.claims")) else { return 0 };
    let entries =
        claims.flatten().filter_map(|claim| std::fs::read_dir(claim.path()).ok()).flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("held.") && name.contains(&of_worker)).count()
}

fn study() -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::in_memory();
    sandbox.write("study.toml", STUDY);
    let results = sandbox.succeeds("sweep study.toml --out whole --json").events();
    let name = |result: &serde_json::Value| {
        let settings = result["settings"].as_array().unwrap().iter().map(|setting| setting.as_str().unwrap());
        settings.collect::<Vec<_>>().join(",")
    };
    (sandbox, results.iter().map(name).collect())
}

/// All runs are done, with the same bytes, and nothing of the workers is left.
fn check(sandbox: &Sandbox, runs: &[String]) {
    assert_eq!(runs.len(), 10);
    for run in runs {
        let [whole, shared] = ["whole", "shared"].map(|study| format!("{study}/{run}"));
        let (ending, expected) = (Ending::of(sandbox, &shared), Ending::of(sandbox, &whole));
        assert!(ending == expected, "{run}: {ending:?}, expected {expected:?}");
        has_no_left_overs(sandbox, &shared);
    }
    assert!(!sandbox.path("shared/.claims").exists(), "the claims are left over");
}

#[test]
fn of_four_workers_of_which_two_die_the_others_train_the_whole_study() {
    let (sandbox, runs) = study();
    for number in 0..N_STUDIES {
        let mut rng: Rng = stream(number, Purpose::Samples, "claims", 0);
        let mut workers: Vec<Worker> = (0..4).map(|_| Worker::start(&sandbox)).collect();
        // One with its processes, as with its machine; of the other the process that claims, alone.
        for of_group in ["-", ""] {
            let worker = workers.swap_remove(rng.random_range(0..workers.len()));
            wait_for("a claim", || held(&sandbox, &worker) > 0);
            std::thread::sleep(Duration::from_millis(rng.random_range(0..500)));
            worker.send("-KILL", of_group);
            worker.dies();
        }
        workers.into_iter().for_each(|worker| drop(worker.succeeds()));
        check(&sandbox, &runs);
        std::fs::remove_dir_all(sandbox.path("shared")).unwrap();
    }
}

#[test]
fn a_worker_that_stops_for_longer_than_its_lease_changes_nothing_in_a_run_that_was_taken() {
    let (sandbox, runs) = study();
    let slow = Worker::start(&sandbox);
    wait_for("a claim", || held(&sandbox, &slow) > 0);
    std::thread::sleep(Duration::from_millis(100));
    // The process that claims alone: that of its run goes on, and finds the claim lost.
    slow.send("-STOP", "");
    let others = [Worker::start(&sandbox), Worker::start(&sandbox)];
    wait_for("the other workers to take its runs", || held(&sandbox, &slow) == 0);
    let is_taken = Instant::now();
    wait_for("a moment", || is_taken.elapsed() > Duration::from_millis(500));
    slow.send("-CONT", "");
    others.into_iter().for_each(|worker| drop(worker.succeeds()));
    slow.succeeds();
    check(&sandbox, &runs);
}

#[test]
fn a_worker_that_is_asked_to_stop_gives_its_runs_back_at_once() {
    let (sandbox, runs) = study();
    let mut first = Worker::start(&sandbox);
    wait_for("a claim", || held(&sandbox, &first) > 0);
    first.send("-TERM", "");
    assert_eq!(first.0.wait().unwrap().code(), Some(143));
    // No lease is waited for.
    let line = "sweep study.toml --out shared --claim --lease 3600 --json";
    assert_eq!(sandbox.succeeds(line).events().len(), runs.len());
    check(&sandbox, &runs);
}
