//! The folder of a run: which one it is, what lies in it, who may read it, what is recorded of its making.

/// The record of what made a run.
mod environment;
/// What a run leaves on disk.
mod files;
/// Which checkpoints stay.
mod keeping;
/// A run that could not be read back does not begin.
mod many_layers;
/// Which folder a run goes to, and what it does to one that is there.
mod out_folder;
/// Files and folders of a run that its user may not read or write.
#[cfg(unix)]
mod permissions;
/// The commit that the program records in a run.
mod recorded_commit;
/// Every checkpoint is reported once.
mod saved;
