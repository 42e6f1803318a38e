//! From a task's defaults, a TOML text and `key=value` settings to one checked config.
//!
//! Here belongs what a text may say and what is answered to a wrong one; what a name stands for belongs above.

mod assignment;
mod choices;
mod filled_in;
mod keys;
mod name;
mod projections;
mod read;
mod replaced;
mod schedule_name;
mod task_file;
mod whole_number;

pub(super) use assignment::is_name;
pub(super) use read::with_table;
pub use read::{ConfigSource, Reader};
pub use replaced::SettingsLeftOut;
pub(super) use task_file::{FILES, FINGERPRINT};
