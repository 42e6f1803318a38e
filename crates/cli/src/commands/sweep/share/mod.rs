//! The share of a study that this process trains, as one of many on many machines.
//!
//! Here belongs how a process learns its number among them: from `--shard`, or from the scheduler that started it. Workers
//! that claim run by run need no number; their protocol is `qkv_run::Claims`.

mod scheduler;
mod shard;

pub use shard::Shard;
