//! Hostile files in a run, under every command that reads one: each is refused or left out with its name, quickly, in
//! little memory, and nothing outside the run is touched.
//!
//! Without a harness, because it starts itself: a process of its own for every command reports the most memory that it
//! had.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[cfg(target_os = "linux")]
#[path = "../cli/support/mod.rs"]
#[allow(dead_code, reason = "shared with the tests of the binary")]
mod support;

/// The table.
#[cfg(target_os = "linux")]
mod cases;

use std::process::ExitCode;

/// In the process that is `qkv`: the file for its memory.
const MEMORY: &str = "QKV_TEST_MEMORY";

fn main() -> ExitCode {
    // Memory is counted by Linux, and the links and pipes are those of Unix.
    #[cfg(target_os = "linux")]
    match std::env::var_os(MEMORY) {
        Some(file) => {
            let code = qkv::run(qkv::Registry::new());
            std::fs::write(file, peak_kb().to_string()).unwrap();
            return code;
        }
        None => linux::every_command_on_every_case(),
    }
    ExitCode::SUCCESS
}

/// The most memory that this process had.
#[cfg(target_os = "linux")]
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::MEMORY;
    use super::cases::{self, Case, Expected};
    use super::support::sandbox::{Finished, Sandbox, Tree};

    /// The commands, in the order of the table's columns.
    const COMMANDS: [&str; 5] = [
        "inspect run",
        "eval run --examples 8 --threads 1",
        "train run --resume --quiet --threads 1",
        "report run --out page.html",
        "verify run",
    ];

    /// Memory beyond that of the same command on the whole run.
    const MOST_KB: u64 = 16 << 10;

    /// A hang, not a slow machine.
    const MOST_TIME: Duration = Duration::from_secs(20);

    pub fn every_command_on_every_case() {
        let whole = whole_run();
        let started = Instant::now();
        let place = |sandbox: &Sandbox| {
            sandbox.place("run", &whole);
            sandbox.place("outside", &whole);
        };
        let baseline = COMMANDS.map(|command| {
            let sandbox = Sandbox::new();
            place(&sandbox);
            let (finished, peak) = run(&sandbox, command);
            assert_eq!(finished.code, Some(0), "{command}: {finished:#?}");
            peak
        });
        let cases = cases::all(&whole);
        let (mut most, mut failures) = (0, Vec::new());
        for case in &cases {
            for (index, command) in COMMANDS.into_iter().enumerate() {
                let sandbox = Sandbox::new();
                place(&sandbox);
                case.place(&sandbox);
                let before = outside(&sandbox);
                let (finished, peak) = run(&sandbox, command);
                let report = format!("{} under {command}: {finished:#?}", case.name);
                let growth = peak.saturating_sub(baseline[index]);
                let faults = [
                    (!is_as_expected(case, case.expected[index], &finished), "expected otherwise".to_owned()),
                    (outside(&sandbox) != before, "something outside the run was touched".to_owned()),
                    (growth >= MOST_KB, format!("{growth} kB more than a whole run")),
                ];
                let faults = faults.into_iter().filter(|(is_there, _)| *is_there);
                failures.extend(faults.map(|(_, what)| format!("{what}: {report}")));
                most = growth.max(most);
            }
        }
        assert!(failures.is_empty(), "{}", failures.join("\n"));
        println!(
            "{} hostile files under {} commands ... ok, {:.0} s, at most {} kB more memory",
            cases.len(),
            COMMANDS.len(),
            started.elapsed().as_secs_f64(),
            most
        );
    }

    fn is_as_expected(case: &Case, expected: Expected, finished: &Finished) -> bool {
        let text = format!("{}{}", finished.stdout, finished.stderr);
        let names =
            text.contains(case.file) || (case.file == "config.toml" && text.contains("the config of run"));
        match expected {
            Expected::Refused => {
                matches!(finished.code, Some(1 | 2)) && names && !finished.stderr.contains("panicked")
            }
            Expected::Named => finished.code == Some(0) && names,
            Expected::Unread => finished.code == Some(0),
        }
    }

    /// A run that was stopped on its way, small enough for every command to take milliseconds.
    fn whole_run() -> Tree {
        let sandbox = Sandbox::new();
        let settings = "task.seq_len=3 model.d_model=8 train.batch_size=4 train.eval_examples=8 \
            train.snapshot_every=2 train.checkpoint_every=2";
        let set: String = settings.split_whitespace().map(|setting| format!(" --set {setting}")).collect();
        let line = format!("train reverse --steps 8 --stop-after 4 --quiet --threads 1 --out run{set}");
        sandbox.succeeds(&line);
        sandbox.tree("run")
    }

    /// Everything that is not the run, and the page of the report.
    fn outside(sandbox: &Sandbox) -> Tree {
        let tree = sandbox.tree("outside");
        let names = fs::read_dir(sandbox.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
        let names =
            names.filter(|name| !["run", "page.html", "outside", "memory"].iter().any(|known| name == known));
        tree.into_iter().chain(names.map(|name| (name.into(), None))).collect()
    }

    /// Runs the command to its end; returns the most memory that it had.
    fn run(sandbox: &Sandbox, line: &str) -> (Finished, u64) {
        let memory = sandbox.path("memory");
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(line.split_whitespace())
            .current_dir(sandbox.path("."))
            .env(MEMORY, &memory)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while process.try_wait().unwrap().is_none() {
            if started.elapsed() > MOST_TIME {
                process.kill().unwrap();
                panic!("{line} hangs");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let finished = process.wait_with_output().unwrap().into();
        let peak = fs::read_to_string(memory).unwrap().parse().unwrap();
        (finished, peak)
    }
}
