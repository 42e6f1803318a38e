//! `qkv sweep`: every run of a study, each in a folder of its own, and a line of results for each.
//!
//! Here belongs what many runs are together: which there are, whose turn it is, the processes that train them, and what is
//! shown meanwhile. How one of them is trained does not: a worker does that as `train` does. Which combinations a study
//! has is decided in `qkv-study`.

mod board;
mod end;
mod executor;
mod faults;
mod finished;
mod process;
mod record;
mod results;
mod runs;
mod shard;
mod source;
mod turns;
pub mod worker;
mod workers;

use std::process::ExitCode;

use anyhow::{Context, Result};
use qkv_train::Registry;

use crate::args::SweepArgs;
use crate::session::interrupt::Interrupt;
use board::Board;
use executor::Executor;
use record::Record;
use results::Results;
use runs::Run;
use source::Source;
use turns::Turns;
use workers::Workers;

/// Trains the runs that are not finished and shows the results of all.
pub fn run(args: &SweepArgs, registry: &Registry) -> Result<ExitCode> {
    let source = Source::find(args)?;
    let cannot_use = || format!("cannot use {}", source.file.display());
    let (text, study) = source.read().with_context(cannot_use)?;
    let runs = runs::read(&study, &source.folder, registry).with_context(cannot_use)?;
    let record = Record::check(&source, text, &study, registry)?;
    let mut results = Results::new(args.json, runs.len());
    let runs = shard::of(args.shard.as_deref(), runs)?;
    let (finished, waiting) = runs.into_iter().partition::<Vec<Run>, _>(Run::is_done);
    let workers = Workers::of(args, waiting.len())?;
    // Everything is checked before the first run starts.
    workers.check_memory(&waiting)?;
    let interrupt = Interrupt::watch(|| {})?;
    record.keep()?;
    for run in finished {
        finished::show(run, registry, &mut results)?;
    }
    let waiting: Vec<_> = waiting.into_iter().map(Run::assignment).collect();
    let executor = Executor { runs: &waiting, workers: &workers, interrupt: &interrupt };
    executor.train(Turns::of(&waiting), Board::new(&waiting, &mut results))?;
    results.show_failures();
    Ok(ExitCode::from(interrupt.exit_code().unwrap_or_else(|| results.exit_code())))
}
