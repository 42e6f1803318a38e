//! Help and version, and what help promises.

use crate::support::sandbox::{Finished, Sandbox};
use crate::support::trained::main_job;

#[test]
fn help_and_version_are_not_errors() {
    let sandbox = Sandbox::new();
    for line in ["--help", "--version", "help train", "train --help", "inspect --help"] {
        let run = sandbox.succeeds(line);
        assert!(!run.stdout.is_empty() && run.stderr.is_empty(), "{run:?}");
    }
}

#[test]
fn the_version_is_that_of_the_program_its_commit_and_burn() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train reverse --steps 1 --quiet --out run");
    let start = sandbox.metrics("run").remove(0);
    let [version, commit, burn] = ["version", "commit", "burn"].map(|key| start[key].as_str().unwrap());
    let expected = format!("qkv {version} (commit {commit}, Burn {burn})\n");
    assert_eq!(sandbox.succeeds("--version").stdout, expected);
}

#[test]
fn a_program_of_ones_own_has_its_name_before_what_it_is_built_on() {
    let sandbox = Sandbox::new();
    let ours = sandbox.succeeds("--version").stdout;
    let own = sandbox.path("own_program");
    std::fs::copy(env!("CARGO_BIN_EXE_qkv"), &own).unwrap();
    let run = std::process::Command::new(&own).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(run.stdout).unwrap(), format!("own_program built on {ours}"));
}

#[test]
fn the_examples_of_help_do_what_they_show() {
    let sandbox = Sandbox::new();
    sandbox.place("runs/reverse-1", &main_job().run);
    // What takes long, and what needs a file of the user's own, are left out.
    let commands = [
        "train",
        "runs",
        "eval",
        "sample",
        "ablate",
        "explain",
        "inspect",
        "verify",
        "report",
        "tasks",
        "names",
        "completions",
    ];
    for command in commands {
        let help = sandbox.succeeds(&format!("{command} --help")).stdout;
        let (_, end) = help.split_once("Example:\n").unwrap();
        let example = end.lines().next().unwrap().trim().strip_prefix("qkv ").unwrap();
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("{} {example}", env!("CARGO_BIN_EXE_qkv"))]);
        let run: Finished = shell.current_dir(sandbox.path(".")).output().unwrap().into();
        assert_eq!(run.code, Some(0), "{example}\n{run:#?}");
        assert!(!run.stdout.is_empty(), "{example}");
    }
}
