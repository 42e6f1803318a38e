//! Tests that start the `qkv` binary: table of contents.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

/// What the other commands show.
mod commands;
/// How a run goes on after it was stopped.
mod continuing;
/// How output reaches a pipe or a terminal.
mod output;
/// What is refused: exit code 2, one clear sentence, nothing created.
mod refusals;
/// What a run leaves on disk, and where.
mod run_folder;
/// Many runs of one study.
mod studies;
/// What the tests stand on.
mod support;
/// How `train` learns.
mod training;
