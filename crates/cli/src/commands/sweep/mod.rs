//! `qkv sweep`: every run of a study, each in a folder of its own, and a line of results for each.
//!
//! Here belongs what many runs are together: which there are, whose turn it is, the processes that train them, and what is
//! shown meanwhile. How one of them is trained does not: a worker does that as `train` does. Which combinations a study
//! has is decided in `qkv-study`.

mod board;
mod claimed;
mod end;
mod executor;
mod faults;
mod finished;
mod keeper;
mod process;
mod record;
mod results;
mod runs;
mod share;
mod source;
mod turns;
pub mod worker;
mod workers;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use qkv_train::Registry;

use crate::args::SweepArgs;
use crate::session::interrupt::Interrupt;
use board::Board;
use claimed::Claimed;
use end::Failure;
use executor::Executor;
use record::Record;
use results::Results;
use runs::Run;
use share::Shard;
use source::Source;
use turns::Turns;
use workers::Workers;

/// Trains the runs that are not finished and shows the results of all.
pub fn run(args: &SweepArgs, registry: &Registry) -> Result<ExitCode> {
    let shard = if args.claim { Shard::WHOLE } else { Shard::find(args.shard.as_deref())? };
    let source = Source::find(args)?;
    let cannot_use = || format!("cannot use {}", source.file.display());
    let (text, study) = source.read().with_context(cannot_use)?;
    let runs = runs::read(&study, &source.folder, registry).with_context(cannot_use)?;
    let record = Record::check(&source, text, &study, registry)?;
    let mut results = Results::new(args.json, runs.len());
    let runs = shard.take(runs);
    let (finished, waiting) = runs.into_iter().partition::<Vec<Run>, _>(Run::is_done);
    let mut workers = Workers::of(args, waiting.len())?;
    // Everything is checked before the first run starts.
    workers.check_memory(&waiting)?;
    let interrupt = Interrupt::watch(|| {})?;
    record.keep()?;
    for run in finished {
        finished::show(run, registry, &mut results)?;
    }
    let waiting: Vec<_> = waiting.into_iter().map(Run::assignment).collect();
    let mut turns = if args.claim {
        let lease = Duration::from_secs(args.lease);
        let claimed = Claimed::of(&source.folder, &waiting, lease, args.retry_failed)?;
        workers.claimed_by(claimed.name());
        Turns::Claimed(Box::new(claimed))
    } else {
        Turns::of(&waiting)
    };
    let executor = Executor { runs: &waiting, workers: &workers, interrupt: &interrupt };
    executor.train(&mut turns, Board::new(&waiting, &mut results))?;
    let again = match &turns {
        Turns::Listed(_) => "the same command",
        Turns::Claimed(claimed) => {
            for (run, how) in claimed.failures()? {
                results.fail(&waiting[run].name, Failure { code: 1, how });
            }
            if results.n_failed() == 0 && interrupt.exit_code().is_none() {
                claimed.remove();
            }
            "the same command with --retry-failed"
        }
    };
    results.show_failures(again);
    Ok(ExitCode::from(interrupt.exit_code().unwrap_or_else(|| results.exit_code())))
}
