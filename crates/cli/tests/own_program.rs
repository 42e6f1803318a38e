//! A program of a user's own over the command line: it is named in its help, a name that is taken is a wrong usage, an
//! observer that fails at one run of a study fails that run alone, and under the live view the terminal is given back
//! before a panic, so that its report can be read. Answers that are numbers are shown by `sample`.
//!
//! No input makes `qkv` do the last four. Without a harness, because it starts itself.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "cli/support/mod.rs"]
#[allow(dead_code, reason = "shared with the tests of the binary")]
mod support;

use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU32, Ordering};

use qkv::Registry;
use qkv::model::NoSettings;
use qkv::model::random::Rng;
use qkv::train::{AnyModel, Observer, State, TargetKind, Task, TrainError};
use rand::RngExt;

/// Set in the process that is the program: to the name of its task.
const TASK: &str = "QKV_TEST_TASK";

/// Set in the process that is the program with an observer of its own.
const OBSERVER: &str = "QKV_TEST_OBSERVER";

/// Examples after which the task gives up: some steps of a batch of 64.
const ENOUGH: u32 = 3000;

fn main() -> ExitCode {
    if std::env::var_os(OBSERVER).is_some() {
        return qkv::run(Registry::new().observer("strict", |run| Ok(Strict { seed: run.config.seed })));
    }
    if std::env::var(TASK).is_ok_and(|task| task == "mean") {
        let defaults = "loss = \"mean-squared-error\"\ntrain.steps = 2\ntrain.eval_examples = 10";
        return qkv::run(Registry::new().task("mean", defaults, |_: &NoSettings| Ok(Mean)));
    }
    if let Ok(task) = std::env::var(TASK) {
        return qkv::run(Registry::new().task(&task, "train.steps = 500", |_: &NoSettings| Ok(Fragile)));
    }
    is_named_in_its_help();
    refuses_a_name_that_is_taken();
    fails_the_run_at_which_an_observer_fails();
    answers_with_numbers();
    // The terminal of the tests is one of Linux.
    #[cfg(target_os = "linux")]
    gives_the_terminal_back();
    ExitCode::SUCCESS
}

fn run(task: &str, line: &str) -> support::sandbox::Finished {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(line.split(' ')).env(TASK, task).output().unwrap().into()
}

fn is_named_in_its_help() {
    let program = std::env::current_exe().unwrap();
    let name = program.file_stem().unwrap().to_str().unwrap();
    for (line, example) in [("--help", "train reverse"), ("eval --help", "eval runs/reverse-1")] {
        let help = run("fragile", line).stdout;
        assert!(help.contains(&format!("\nExample:\n  {name} {example}")), "{help}");
        assert!(!help.contains("qkv "), "{help}");
    }
    println!("a program of one's own is named in its help ... ok");
}

fn refuses_a_name_that_is_taken() {
    for line in ["tasks", "train reverse", "eval nowhere"] {
        let refused = run("reverse", line);
        let message = "error: the task name `reverse` is taken; register yours under another name\n";
        assert_eq!((refused.code, refused.stderr.as_str()), (Some(2), message), "{line}");
        assert_eq!(refused.stdout, "");
    }
    println!("a name that is taken is refused ... ok");
}

fn fails_the_run_at_which_an_observer_fails() {
    let sandbox = support::sandbox::Sandbox::new();
    let study = "task = { name = \"reverse\", seq_len = 4 }\ntrain = { steps = 2, eval_examples = 10 }\n[sweep]\n\
                 seed = [0, 1, 2]\n";
    sandbox.write("study.toml", study);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args("sweep study.toml --jobs 1 --claim --json".split(' ')).env(OBSERVER, "");
    let ended: support::sandbox::Finished = command.current_dir(sandbox.path(".")).output().unwrap().into();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let failure =
        "1 of 3 runs failed; the same command with --retry-failed tries them again:\n  seed=0: exit code 2";
    assert!(ended.stderr.contains(failure), "{ended:#?}");
    assert!(ended.stderr.contains("seed 0 is out of order"), "{ended:#?}");
    for (seed, is_done) in [(0, false), (1, true), (2, true)] {
        let events = sandbox.metrics(&format!("runs/study/seed={seed}"));
        assert_eq!(events.last().unwrap()["event"] == "done", is_done, "seed {seed}");
    }
    println!("a run fails at which an observer fails ... ok");
}

fn answers_with_numbers() {
    let sandbox = support::sandbox::Sandbox::new();
    let run = |line: &str| -> support::sandbox::Finished {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(line.split(' '))
            .env(TASK, "mean")
            .current_dir(sandbox.path("."))
            .output()
            .unwrap()
            .into()
    };
    assert_eq!(run("train mean --quiet --out run").code, Some(0));
    let shown = run("sample run --prompt 042");
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""), "{shown:#?}");
    let numbers: Vec<f64> = shown.stdout.split_whitespace().map(|number| number.parse().unwrap()).collect();
    assert_eq!(numbers.len(), 2, "the mean and the largest: {shown:#?}");
    let event = run("sample run --prompt 042 --json").events().remove(0);
    assert_eq!(event["answer"], shown.stdout.trim_end());
    assert!(event.get("probabilities").is_none(), "{event}");
    for (option, name) in [("--temperature 1", "--temperature"), ("--top-k 2", "--top-k"), ("--n 2", "--n")] {
        let refused = run(&format!("sample run --prompt 042 {option}"));
        let message =
            format!("error: {name} is for tokens, which are drawn; the answers of the task `mean` are");
        assert!(refused.code == Some(2) && refused.stderr.starts_with(&message), "{refused:#?}");
    }
    println!("answers that are numbers are shown, and not drawn ... ok");
}

/// The mean and the largest of three digits, asked for at the first position.
struct Mean;

impl Task for Mean {
    fn summary(&self) -> String {
        "mean and largest of three digits".to_owned()
    }

    fn vocabulary(&self) -> Vec<String> {
        (0..5).map(|digit| digit.to_string()).collect()
    }

    fn seq_len(&self) -> usize {
        3
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        (0..3).map(|_| rng.random_range(0..5)).collect()
    }

    fn target_kind(&self) -> TargetKind {
        TargetKind::Numbers
    }

    fn target_vectors(&self, tokens: &[u32]) -> Vec<Option<Vec<f32>>> {
        let mean = tokens.iter().sum::<u32>() as f32 / 3.0;
        let largest = tokens.iter().copied().max().unwrap_or(0) as f32;
        vec![Some(vec![mean, largest]), None, None]
    }
}

/// Fails at the runs of one seed.
struct Strict {
    seed: u64,
}

impl Observer<AnyModel> for Strict {
    fn start(&mut self, _state: &State<AnyModel>) -> Result<(), TrainError> {
        match self.seed {
            0 => Err(TrainError::Observer("seed 0 is out of order".to_owned())),
            _ => Ok(()),
        }
    }
}

#[cfg(target_os = "linux")]
fn gives_the_terminal_back() {
    let sandbox = support::sandbox::Sandbox::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args("train fragile --live --out run".split(' ')).current_dir(sandbox.path("."));
    let text = support::pty::Pty::of(&command, &[(TASK, "fragile"), ("RUST_BACKTRACE", "0")]).ends_with(101);
    assert!(text.contains("the task gave up"), "{text}");
    println!("a panic gives the terminal back ... ok");
}

/// Panics after a while.
struct Fragile;

impl Task for Fragile {
    fn summary(&self) -> String {
        "say the first of 8 digits everywhere, for a while".to_owned()
    }

    fn vocabulary(&self) -> Vec<String> {
        (0..10).map(|digit| digit.to_string()).collect()
    }

    fn seq_len(&self) -> usize {
        8
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        static DRAWN: AtomicU32 = AtomicU32::new(0);
        assert!(DRAWN.fetch_add(1, Ordering::Relaxed) < ENOUGH, "the task gave up");
        (0..8).map(|_| rng.random_range(0..10)).collect()
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        vec![Some(tokens[0]); 8]
    }
}
