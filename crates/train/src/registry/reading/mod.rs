//! From a task's defaults, a TOML text and `key=value` settings to one checked config.
//!
//! Here belongs what a text may say and what is answered to a wrong one; what a name stands for belongs above.

pub(super) mod assignment;
pub(super) mod choices;
pub(super) mod keys;
pub(super) mod name;
pub(super) mod projections;
pub(super) mod read;
pub(super) mod replaced;
pub(super) mod schedule_name;
pub(super) mod task_file;
pub(super) mod whole_number;
