//! Tests that start the `qkv` binary: table of contents.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

// What the tests stand on.
/// A folder of its own for every test, and the binary started in it.
mod sandbox;
/// The numbers in a safetensors file.
mod tensors;
/// The main job, trained once for all tests that look at its result.
mod trained;

/// The binary in a terminal: keys in, a screen out.
#[cfg(target_os = "linux")]
mod pty;

// What is refused: exit code 2, one clear sentence, nothing created.
/// Wrong commands, flags, tasks and devices.
mod bad_arguments;
/// Wrong keys, values and config files.
mod bad_configs;
/// Folders and files that are no run, or a damaged one.
mod bad_runs;

// What `train` does.
/// The same bytes from every process, at any number of threads.
mod determinism;
/// A run whose numbers are no longer numbers ends with exit code 4.
mod divergence;
/// The lines of `--json` and of `metrics.jsonl`.
mod events;
/// The live view in a terminal.
#[cfg(target_os = "linux")]
mod live;
/// Attention learns to reverse a sequence, and only with learnable matrices.
mod main_job;
/// Which folder a run goes to, and what it does to one that is there.
mod out_folder;
/// A run that was stopped goes on as if it had not been.
mod resume;
/// What a run leaves on disk.
mod run_folder;
/// Ctrl-C and `kill`: the run saves and leaves.
#[cfg(unix)]
mod signals;
/// The frames of the film.
mod snapshots;
/// Every combination of some settings.
mod sweep;

// What the other commands show.
/// What every head and projection is good for.
mod ablate;
/// The figures and exports of `bench`.
mod bench;
/// A language model of a text.
mod chars;
/// The figures of `eval`.
mod eval;
/// The walk of `explain`.
mod explain;
/// The matrices of `inspect`.
mod inspect;
/// The pages of `lecture` and `tasks`.
mod pages;
/// Output that nobody reads to its end.
mod pipes;
/// The film of `report`.
mod report;
