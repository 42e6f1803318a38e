//! What the other commands show, by the name of the command.
//!
//! What they refuse in an argument or a config belongs to `refusals`, how output reaches a pipe or a
//! terminal to `output`.

/// What every head and projection is good for.
mod ablate;
/// The figures and exports of `bench`.
mod bench;
/// The tables and the page of `compare`.
mod compare;
/// The scripts of `completions`.
mod completions;
/// The list of `devices`.
mod devices;
/// The figures of `eval`.
mod eval;
/// The walk of `explain`, and its maps.
mod explain;
/// The matrices of `inspect`.
mod inspect;
/// The published numbers of `lecture`.
mod lecture;
/// The list of `names`.
mod names;
/// The page of `playground`.
mod playground;
/// The film of `report`.
mod report;
/// The list of `runs`.
mod runs;
/// What is written to a prompt by `sample`.
mod sample;
/// One step and one split of a run, in every command that takes them.
mod step_and_split;
/// The list of `tasks`.
mod tasks;
/// Every file of a run checked by `verify`.
mod verify;
