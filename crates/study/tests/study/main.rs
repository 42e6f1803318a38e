//! What a study is made of: table of contents.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

/// Conditions between keys.
mod conditions;
/// Which study goes on with which.
mod continuations;
/// Random values.
mod draws;
/// The page about studies.
mod page;
/// What is refused, with the key.
mod refusals;
/// Which runs a study has, and in which order.
mod runs;
