//! Whether all processes of a run were started alike.

use std::path::Path;
use std::{env, fs};

use anyhow::Result;
use qkv_model::random::fnv1a;
use qkv_train::{Processes, TrainError};

use crate::session::environment;

/// Refuses processes of which one has another program, other arguments or another config file than the first.
pub fn check_alike(processes: &dyn Processes, config: &Path) -> Result<()> {
    if processes.size() == 1 {
        return Ok(());
    }
    let arguments: Vec<_> =
        env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let config = if config.is_file() { fs::read(config)? } else { Vec::new() };
    for (what, bytes) in [
        ("another program", program()),
        ("other arguments", arguments.join("\0").into_bytes()),
        ("another config file", config),
    ] {
        let of_all = processes.gather(fnv1a(&bytes).to_le_bytes().to_vec())?;
        if let Some(rank) = of_all.iter().position(|hash| *hash != of_all[0]) {
            return Err(TrainError::OtherProcess { rank, what }.into());
        }
    }
    Ok(())
}

/// The bytes of the program, or its version where they cannot be read.
fn program() -> Vec<u8> {
    let bytes = env::current_exe().and_then(fs::read);
    bytes.unwrap_or_else(|_| environment::version().as_bytes().to_vec())
}
