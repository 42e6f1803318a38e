//! What the process works with: the device, the signals, a run that is opened, a training that goes on.
//!
//! What only one command needs belongs to that command, and what the user sees to `output` or `live`.

pub mod device;
pub mod interrupt;
pub mod job;
pub mod memory;
pub mod open_run;
