//! What the other commands show, by the name of the command.
//!
//! What they refuse in an argument or a config belongs to `refusals`.

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
/// Output that is closed before its end.
mod pipes;
/// The film of `report`.
mod report;
/// Every combination of some settings.
mod sweep;
/// What reaches a terminal, and what a shell makes of it.
#[cfg(target_os = "linux")]
mod terminal;
