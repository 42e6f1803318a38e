//! Output that is closed before its end.

#[cfg(target_os = "linux")]
use std::fs::File;
use std::io::{BufRead, BufReader, Read, pipe};
use std::process::Stdio;

#[cfg(target_os = "linux")]
use crate::support::sandbox::Finished;
use crate::support::sandbox::Sandbox;
use crate::support::trained::sandbox_with_the_main_job;

/// Reads one line of the output of `line`, as `qkv … | head -1` does; returns the exit code and the error output.
fn read_one_line(sandbox: &Sandbox, line: &str) -> (Option<i32>, String) {
    let mut child = sandbox.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    // The reader, and with it the pipe, is dropped at the end of the statement.
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(!first.is_empty(), "{line}");
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    (child.wait().unwrap().code(), errors)
}

/// More of them than a pipe holds.
const SAMPLES: &str = "sample run --prompt ABCDEFGHIJABCDEF --temperature 1 --n 999999999";

#[test]
fn a_pipe_that_closes_early_is_not_an_error() {
    let sandbox = sandbox_with_the_main_job();
    for line in ["tasks", "lecture", "inspect run", "explain run", SAMPLES] {
        assert_eq!(read_one_line(&sandbox, line), (Some(0), String::new()), "{line}");
    }
}

#[test]
fn a_reader_that_leaves_does_not_cost_the_run() {
    let sandbox = Sandbox::new();
    for (run, flags) in [("plain", ""), ("json", "--json")] {
        let ended = read_one_line(&sandbox, &format!("train reverse --steps 50 --out {run} {flags}"));
        assert_eq!(ended, (Some(0), String::new()), "{flags}");
        assert_eq!(sandbox.metrics(run).last().unwrap()["event"], "done", "{flags}");
        assert!(sandbox.path(&format!("{run}/checkpoints/step-00000050/model.safetensors")).is_file());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_that_cannot_be_written_is_an_error() {
    let sandbox = Sandbox::new();
    for line in ["tasks", "names", "runs", "--version", "--help", "eval --help", "completions bash"] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let run: Finished = sandbox.command(line).stdout(full).output().unwrap().into();
        assert_eq!(run.code, Some(1), "{line}: {run:?}");
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains("No space left"), "{line}: {run:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_standard_output_that_is_full_is_named() {
    let sandbox = Sandbox::new();
    for line in ["train reverse --steps 3 --json --out json", "train reverse --steps 3 --out text", "tasks"] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let ended = sandbox.command(line).stdout(full).output().unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{line}: {stderr}");
        assert!(stderr.contains("standard output: No space left on device"), "{line}: {stderr}");
    }
}

#[test]
fn an_error_on_a_closed_output_still_has_its_exit_code() {
    let sandbox = Sandbox::new();
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let status = sandbox.command("train revers").stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
