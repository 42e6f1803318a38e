//! `qkv explain`: the walk of one query, and maps.

use crate::support::sandbox::{Finished, Sandbox};

/// What is an input, and which one is taken.
mod inputs;
/// Whether the numbers follow from each other.
mod numbers;
/// Of a model that reads a source and writes its answer.
mod pairs;
/// What stands where.
mod walk;

#[track_caller]
fn explain(sandbox: &Sandbox, line: &str, input: &str) -> String {
    let mut command = sandbox.command(&format!("explain {line}"));
    let run: Finished = command.arg(input).output().unwrap().into();
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:#?}");
    run.stdout
}

/// The line that begins with `start`.
#[track_caller]
fn line<'a>(text: &'a str, start: &str) -> &'a str {
    let line = text.lines().find(|line| line.trim_start().starts_with(start));
    line.unwrap_or_else(|| panic!("no line `{start}` in\n{text}"))
}

/// The numbers in the line that begins with `start`, as far as they are shown.
#[track_caller]
fn numbers(text: &str, start: &str) -> Vec<f64> {
    let words = line(text, start).trim_start()[start.len()..].split_whitespace();
    words.take_while(|&word| word != "…").map(|number| number.parse().unwrap()).collect()
}
