//! What a run promises, proved by breaking everything that it stands on: table of contents.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

/// The claims of the workers of a study.
mod claims;
/// Copies of a run that share its files.
#[cfg(unix)]
mod copies;
/// Every bit, every length and every name of a checkpoint's files.
mod damage;
/// What a run loses by going back to an earlier step, which is nothing.
mod going_back;
/// The process dies, or an operation fails, at every operation.
mod interruption;
/// The folder of a run is moved, replaced or unlocked while it is trained.
#[cfg(unix)]
mod moved;
/// Links, files and folders in place of the parts of a run, and parts that may not be read.
#[cfg(unix)]
mod other_kinds;
/// The machine stops after every operation, and forgets what was not synced.
mod power_loss;
/// What the proofs stand on.
mod support;
/// Two processes for one run.
mod writers;
