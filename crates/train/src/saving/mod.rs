//! What a run leaves on disk: its checkpoints, frames of the film, and the log of events.
//!
//! Everything that opens a file of a run lies here. The loop calls it as observers only.

mod checkpoint;
mod event_log;
mod gradient_flow;
mod moments;
mod snapshot;

pub use checkpoint::{Checkpoints, load_checkpoint, load_weights, save_weights};
pub use event_log::{EventLog, RunInfo};
pub use snapshot::Snapshots;
