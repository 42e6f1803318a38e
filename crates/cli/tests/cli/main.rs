//! Tests that start the `qkv` binary: table of contents.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

/// What the other commands show.
mod commands;
/// How output reaches a pipe or a terminal.
mod output;
/// What is refused: exit code 2, one clear sentence, nothing created.
mod refusals;
/// What the tests stand on.
mod support;
/// What `train` does.
mod training;
