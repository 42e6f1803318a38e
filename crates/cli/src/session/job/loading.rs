//! The state that a run goes on from: the newest checkpoint that is whole, past those that are damaged.

use anyhow::Result;
use qkv_run::{Checkpoint, RunError, RunFolder};
use qkv_train::{AnyModel, State, TrainError};

use crate::output::stdout::print_error;

/// The state at the first of these checkpoints that is whole; `None` without checkpoints. Damaged ones before it get
/// another name; what cannot be read at the moment may be whole, and ends the command.
pub fn newest_whole(
    folder: &RunFolder,
    from: &[Checkpoint],
    load: impl Fn(&Checkpoint) -> Result<State<AnyModel>, TrainError>,
) -> Result<Option<State<AnyModel>>> {
    let mut damaged = Vec::new();
    let mut first = None;
    for checkpoint in from {
        match load(checkpoint) {
            Ok(state) => {
                for checkpoint in damaged {
                    let name = folder.mark_damaged(checkpoint)?;
                    print_error(&format!("{} is now {}", checkpoint.folder.display(), name.display()));
                }
                return Ok(Some(state));
            }
            Err(error) if is_damage(&error, checkpoint) => {
                print_error(&format!("cannot go on from {}: {error}", checkpoint.folder.display()));
                damaged.push(checkpoint);
                first.get_or_insert(error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    first.map_or(Ok(None), |error| Err(error.into()))
}

/// What a manifest vouches for and does not fit the model is of another program. Without one, damage shows in that
/// alone.
fn is_damage(error: &TrainError, checkpoint: &Checkpoint) -> bool {
    match error {
        TrainError::Run(RunError::Damaged { .. }) | TrainError::NotSafetensors { .. } => true,
        TrainError::Weights { .. } => !checkpoint.manifest().exists(),
        _ => false,
    }
}
