//! What is refused: exit code 2, one clear sentence, nothing created.
//!
//! Refusals that need a run under way belong to `continuing`.

/// Wrong commands, flags, tasks and devices.
mod bad_arguments;
/// Wrong keys, values and config files.
mod bad_configs;
/// Folders and files that are not a run, or a damaged one.
mod bad_runs;
/// Every two of the options that decide where a run begins, ends and lies.
mod pairs_of_options;
