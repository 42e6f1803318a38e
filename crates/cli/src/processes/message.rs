//! What the first process sends to the others.

use anyhow::{Context, Result};
use qkv_train::Processes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// For the first process: gives a value to all others.
pub fn to_others<T: Serialize>(processes: &dyn Processes, value: &T) -> Result<()> {
    if processes.size() > 1 {
        processes.gather(serde_json::to_vec(value)?)?;
    }
    Ok(())
}

/// For every other process: the value that the first gives.
pub fn from_first<T: DeserializeOwned>(processes: &dyn Processes) -> Result<T> {
    let of_all = processes.gather(Vec::new())?;
    let first = of_all.first().context("a run has a first process")?;
    Ok(serde_json::from_slice(first)?)
}
