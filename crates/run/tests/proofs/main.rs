//! What a run promises, proved by breaking everything that it stands on: table of contents.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

/// Every bit, every length and every name of a checkpoint's files.
mod damage;
/// The process dies, or an operation fails, at every operation.
mod interruption;
/// The machine stops after every operation, and forgets what was not synced.
mod power_loss;
/// What the proofs stand on.
mod support;
/// Two processes for one run.
mod writers;
