//! What a config means: which settings it has, which are refused, and which belong to a run.

/// The config of a run against its checkpoints.
mod of_run;
/// Settings that go where another name takes the place of theirs.
mod replaced;
/// The range of every whole number, in the answer to what cannot stand in its place.
mod whole_numbers;
/// Keys and values that cannot stand in a config.
mod wrong_settings;
