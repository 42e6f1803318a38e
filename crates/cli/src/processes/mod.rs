//! One training on several processes: what started them, what they exchange beside gradients, and how they end.
//!
//! How the work is divided is the trainer's. Here belongs what only a program can decide: the first process alone makes the
//! plan, writes and prints; the others take the config and the state from it, so that no other needs the run's folder. A
//! process that fails ends all of them.

mod alike;
mod launch;
mod message;
#[cfg(feature = "mpi")]
mod mpi;
#[cfg(any(feature = "mpi", test))]
mod pieces;

pub use alike::check_alike;
pub use launch::Launch;
pub use message::{from_first, to_others};

use std::process::ExitCode;

use anyhow::Result;
use qkv_train::{Alone, Processes, Registry};

use crate::exit;

/// What to do where several processes were not meant for one run.
const OWN_RUNS: &str = "for runs of their own start each with `srun -n 1`, or use `sweep --claim`";

/// Trains on the processes that were started together with this one.
pub fn on_all(registry: &Registry, train: impl FnOnce(&dyn Processes) -> Result<ExitCode>) -> ExitCode {
    match Launch::of_several() {
        None => exit::code(train(&Alone), registry),
        Some(launch) if !launch.connects => refuse(
            launch,
            registry,
            format!(
                "{launch} were started to train one run, but without PMIx they do not find each other; start them with \
                 srun --mpi=pmix, or start one; {OWN_RUNS}"
            ),
        ),
        Some(launch) => on_several(launch, registry, train),
    }
}

#[cfg(feature = "mpi")]
use mpi::on_several;

#[cfg(not(feature = "mpi"))]
fn on_several(
    launch: Launch,
    registry: &Registry,
    _: impl FnOnce(&dyn Processes) -> Result<ExitCode>,
) -> ExitCode {
    let what = format!(
        "{launch} were started to train one run, but this build has no MPI; start one, or build it with the feature \
         `mpi`; {OWN_RUNS}"
    );
    refuse(launch, registry, what)
}

/// An answer to a command that is not divided, if several processes were started for it.
pub fn refuse_several(registry: &Registry, what_to_do: &str) -> Option<ExitCode> {
    let launch = Launch::of_several()?;
    let what = format!("{launch} were started, and each would do the same; {what_to_do}");
    Some(refuse(launch, registry, what))
}

/// Whether another process of this command prints what is the same on all.
pub fn is_silent() -> bool {
    Launch::found().is_some_and(|launch| launch.rank > 0)
}

/// The first process alone prints and fails: a launcher that sees another one fail may end it before it has printed.
fn refuse(launch: Launch, registry: &Registry, what: String) -> ExitCode {
    match launch.rank {
        0 => exit::code(Err(exit::usage(what)), registry),
        _ => ExitCode::SUCCESS,
    }
}
