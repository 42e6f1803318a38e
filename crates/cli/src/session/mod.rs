//! The state of the process: its device, memory and signals, an opened run and what is typed for it, a training.
//!
//! What only one command needs belongs to that command, and what the user sees to `output` or `live`.

pub mod config_file;
pub mod device;
pub mod environment;
pub mod input;
pub mod interrupt;
pub mod job;
pub mod memory;
pub mod notices;
pub mod origin;
pub mod outcome;
pub mod plan;
pub mod runs;
