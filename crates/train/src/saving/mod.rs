//! What a run leaves on disk: its folder and lock, checkpoints, frames of the film, and the log of events.
//!
//! Everything that opens a file of a run lies here. The loop calls it as observers only.

mod checkpoint;
mod gradient_flow;
mod metrics;
mod moments;
mod run_folder;
mod run_lock;
mod snapshot;

pub use checkpoint::{Checkpoints, load_checkpoint, load_weights, save_weights};
pub use metrics::{Event, EventLog, RunInfo};
pub use run_folder::{Existing, RunFolder};
pub use snapshot::Snapshots;
