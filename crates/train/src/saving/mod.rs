//! What a run leaves on disk: its checkpoints, frames of the film, and the log of events.
//!
//! Tensors become files here, and files tensors; where the files lie and what is in them is [`qkv_run`]'s. The loop
//! calls the writers as observers only.

mod checkpoint;
mod event_log;
mod frame;
mod gradient_flow;
mod layout;
mod optimizer_state;
mod readable;
mod shared_state;
mod snapshot;
mod unused_graphs;
mod weights;

pub use checkpoint::{Checkpoints, load_checkpoint, load_checkpoint_weights};
pub use event_log::{EventLog, RunInfo};
pub use frame::FrameMaker;
pub(crate) use frame::MAX_VALUES;
pub(crate) use layout::{Place, layout};
pub use readable::check_readable;
pub use shared_state::share_state;
pub use snapshot::{FilmEnd, Snapshots};
pub use weights::{load_weights, save_weights, weights_from_bytes, weights_to_bytes};
