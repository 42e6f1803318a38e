//! What processes agree on: values of each on all, the greatest of them, and that they are the same.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Processes;
use crate::error::TrainError;

/// The value of every process, in the order of their ranks. Floating-point numbers in it stand as their bits: JSON may lose
/// the last one.
pub(crate) fn shared<T: Serialize + DeserializeOwned>(
    processes: &dyn Processes,
    mine: T,
) -> Result<Vec<T>, TrainError> {
    if processes.size() == 1 {
        return Ok(vec![mine]);
    }
    let bytes = serde_json::to_vec(&mine).map_err(|error| TrainError::Processes(error.to_string()))?;
    let of_all = processes.gather(bytes)?.into_iter().enumerate();
    let read = of_all.map(|(rank, bytes)| {
        serde_json::from_slice(&bytes).map_err(|error| {
            TrainError::Processes(format!("what process {rank} sent cannot be read: {error}"))
        })
    });
    read.collect()
}

/// The greatest of the values of all.
pub(crate) fn agreed(processes: &dyn Processes, mine: u8) -> Result<u8, TrainError> {
    if processes.size() == 1 {
        return Ok(mine);
    }
    Ok(processes.gather(vec![mine])?.into_iter().flatten().max().unwrap_or(mine))
}

/// Refuses processes of which one has another value than the first; `what` names it. All of them wait here for the last.
///
/// # Errors
/// [`TrainError::OtherProcess`], the same on all of them; or if one is lost.
pub fn check_equal(processes: &dyn Processes, what: &'static str, mine: u64) -> Result<(), TrainError> {
    let of_all = processes.gather(mine.to_le_bytes().to_vec())?;
    match of_all.iter().position(|value| *value != of_all[0]) {
        None => Ok(()),
        Some(rank) => Err(TrainError::OtherProcess { rank, what }),
    }
}
