//! One file or folder a command, named as the user types it; each has a `run` that takes its arguments to an exit code.
//!
//! A new command is a file here with a `mod` line below, a variant of `Command` in `args/mod.rs`, and one line in
//! `dispatch.rs`. What two commands share does not belong here: a run that is opened or trained is in `session`, what
//! is printed or written in `output`.

pub mod ablate;
pub mod bench;
pub mod compare;
pub mod completions;
pub mod devices;
pub mod eval;
pub mod explain;
pub mod inspect;
pub mod lecture;
pub mod names;
pub mod playground;
pub mod report;
pub mod runs;
pub mod sample;
pub mod sweep;
pub mod tasks;
pub mod train;
pub mod verify;
