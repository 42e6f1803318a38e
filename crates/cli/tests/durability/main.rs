//! Proofs that a run cannot be lost: a tiny run is stopped, killed, starved and raced in every way, and always ends as
//! if nothing had happened. Table of contents.
//!
//! Each proof prints how many of its cases hold and how long they took. The target is one of its own, because all of
//! it takes minutes: `cargo test --release -p qkv --test durability -- --nocapture`.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

/// Workers of a study that die.
#[cfg(unix)]
mod claims;
/// What saving costs.
mod cost;
/// The default job, asked to stop at any moment.
#[cfg(target_os = "linux")]
mod default_job;
/// How a run ended, without what depends on the clock.
mod ending;
/// Stopped after every step.
mod every_step;
/// On a disk that is too small.
#[cfg(target_os = "linux")]
mod full_disk;
/// Killed at any moment.
mod kill;
/// Written by an older version.
mod older_version;
/// Counts the cases of a claim.
mod proof;
/// Asked to stop at any moment.
#[cfg(target_os = "linux")]
mod signals;
/// What the tests of the binary stand on.
#[path = "../cli/support/mod.rs"]
#[allow(dead_code, reason = "shared with the tests of the binary")]
mod support;
/// The run of all proofs.
mod tiny_run;
/// Two processes in one folder.
mod two_writers;
