//! How a run goes on: after a stop, from an earlier checkpoint, as a branch; and that it stays what it was begun as.

/// A new run that begins with what another has learned.
mod branch;
/// A run stays what it was begun as, whatever is set or edited later.
mod edited_config;
/// A run goes on from an earlier checkpoint.
mod going_back;
/// A run keeps the labels of its tokens.
mod labels;
/// Checkpoints that are damaged, or cannot be read at the moment.
mod lost;
/// A run that was stopped goes on as if it had not been.
mod resume;
