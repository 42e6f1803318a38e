//! Runs that are there: where a path points, which lie in a folder, and one of them opened for use.
//!
//! What a run is as files belongs to `qkv-run`, and how one begins or goes on to the [job](super::job).

pub mod location;
pub mod open_run;
pub mod runs_in;
