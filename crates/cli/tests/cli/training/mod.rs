//! How `train` learns, what it prints meanwhile, and how it is interrupted.
//!
//! What it leaves on disk belongs to `run_folder`, how a run goes on to `continuing`, what other commands show of it to
//! `commands`.

/// A language model of a text.
mod chars;
/// The same bytes from every process, at any number of threads.
mod determinism;
/// A run whose numbers are no longer numbers ends with exit code 4.
mod divergence;
/// The lines of `--json` and of `metrics.jsonl`.
mod events;
/// The lines of `train` before the first step.
mod first_lines;
/// A signal or a key in what is no step.
#[cfg(target_os = "linux")]
mod leaving;
/// The live view in a terminal.
#[cfg(target_os = "linux")]
mod live;
/// How fast the live view lets a training go.
#[cfg(target_os = "linux")]
mod live_pace;
/// Attention learns to reverse a sequence, and only with learnable matrices.
mod main_job;
/// How much memory a run takes, and the estimate of it.
#[cfg(target_os = "linux")]
mod memory;
/// Pairs of the lines of a file.
mod pairs;
/// Ctrl-C and `kill`: the run saves and leaves.
#[cfg(unix)]
mod signals;
/// The frames of the film.
mod snapshots;
