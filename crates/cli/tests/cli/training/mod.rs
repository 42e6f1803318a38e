//! What `train` does to a run and its folder.
//!
//! What other commands show of a run belongs to `commands`.

/// A new run that begins with what another has learned.
mod branch;
/// A language model of a text.
mod chars;
/// The same bytes from every process, at any number of threads.
mod determinism;
/// A run whose numbers are no longer numbers ends with exit code 4.
mod divergence;
/// A run stays what it was begun as, whatever is set or edited later.
mod edited_config;
/// The record of what made a run.
mod environment;
/// The lines of `--json` and of `metrics.jsonl`.
mod events;
/// The lines of `train` before the first step.
mod first_lines;
/// A run goes on from an earlier checkpoint.
mod going_back;
/// Which checkpoints stay.
mod keeping;
/// A signal or a key in what is no step.
#[cfg(target_os = "linux")]
mod leaving;
/// The live view in a terminal.
#[cfg(target_os = "linux")]
mod live;
/// Attention learns to reverse a sequence, and only with learnable matrices.
mod main_job;
/// A run that could not be read back does not begin.
mod many_layers;
/// How much memory a run takes, and the estimate of it.
#[cfg(target_os = "linux")]
mod memory;
/// Which folder a run goes to, and what it does to one that is there.
mod out_folder;
/// Files and folders of a run that its user may not read or write.
#[cfg(unix)]
mod permissions;
/// The commit that the program records in a run.
mod recorded_commit;
/// A run that was stopped goes on as if it had not been.
mod resume;
/// What a run leaves on disk.
mod run_folder;
/// Every checkpoint is reported once.
mod saved;
/// Ctrl-C and `kill`: the run saves and leaves.
#[cfg(unix)]
mod signals;
/// The frames of the film.
mod snapshots;
