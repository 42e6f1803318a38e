//! The study that is asked for: its file, the folder that belongs to it, and its runs.
//!
//! Whether a config can be trained is decided by the registry, and which combinations there are by `qkv-study`.

mod faults;
pub mod record;
pub mod runs;
pub mod source;
