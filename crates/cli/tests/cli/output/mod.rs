//! How the output of every command reaches its reader: help, pipes, terminals.
//!
//! What one command shows belongs to `commands`.

/// Help and version.
mod help;
/// Output that is closed before its end.
mod pipes;
/// The lines of a training that no terminal shows.
mod progress;
/// What reaches a terminal, and what a shell makes of it.
#[cfg(target_os = "linux")]
mod terminal;
