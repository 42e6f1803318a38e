//! `qkv sweep`: every run of a study, each in a folder of its own, and a line of results for each.
//!
//! Here belongs what many runs are together: which there are, whose turn it is, the processes that train them, and what is
//! shown meanwhile. How one of them is trained does not: a worker does that as `train` does. Which combinations a study
//! has is decided in `qkv-study`.

mod crew;
mod end;
mod executor;
mod share;
mod shown;
mod study;
mod turns;
pub mod worker;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use qkv_inspect::counted;
use qkv_train::Registry;

use crate::args::SweepArgs;
use crate::exit;
use crate::output::stdout::print_error;
use crate::session::interrupt::Interrupt;
use crew::{Crew, Workers};
use executor::Executor;
use share::Shard;
use shown::{Board, Results, show_finished, show_left_out, show_listing};
use study::record::Record;
use study::runs::{self, Run};
use study::source::{Asked, Source};
use turns::{Claimed, Listed, Turns};

/// Trains the runs that are not finished and shows the results of all.
pub fn run(args: &SweepArgs, registry: &Registry) -> Result<ExitCode> {
    let shard = if args.claim { Shard::WHOLE } else { Shard::find(args.shard.as_deref())? };
    let source = Source::find(args)?;
    let set = if args.settings.typed().is_empty() { "" } else { " with what the command line sets" };
    let cannot_use = || format!("cannot use {}{set}", source.file.display());
    let Asked { text, study, left_out } = source.read(&args.settings, registry).with_context(cannot_use)?;
    let runs = runs::read(&study, &source.folder, registry).with_context(cannot_use)?;
    let record = Record::check(&source, &text, &study, registry)?;
    show_left_out(&runs, &left_out);
    let n_runs = runs.len();
    let mut results = Results::new(args.json, n_runs);
    let runs = shard.take(runs);
    if runs.is_empty() {
        let n_runs = counted(n_runs as u64, "run");
        print_error(&format!("no run falls to shard {shard}: the study has {n_runs}"));
    }
    let (finished, waiting) = runs.into_iter().partition::<Vec<Run>, _>(Run::is_done);
    let mut workers = Workers::of(args, waiting.len())?;
    // Everything is checked before the first run starts.
    workers.check_memory(&waiting)?;
    if args.dry_run {
        show_listing(&finished, &waiting, args.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let interrupt = Interrupt::watch(|| {})?;
    record.keep()?;
    let failed = |error| exit::of_study(&error, registry);
    let waiting: Vec<_> = waiting.into_iter().map(Run::assignment).collect();
    let mut turns = if args.claim {
        let lease = Duration::from_secs(args.lease);
        let claimed = Claimed::of(&source.folder, &waiting, lease, args.retry_failed);
        let claimed = claimed.map_err(failed)?;
        workers.claimed_by(claimed.name());
        Turns::Claimed(Box::new(claimed))
    } else {
        Turns::Listed(Listed::of(waiting.len()))
    };
    for run in finished {
        show_finished(run, registry, &mut results)?;
    }
    let board = Board::new(&waiting, &mut results);
    let executor = Executor::new(&waiting, Crew::new(&waiting, &workers), &mut turns, board, &interrupt);
    let trained = executor.train();
    results.show_failures(match &turns {
        Turns::Listed(_) => "the same command",
        Turns::Claimed(_) => "the same command with --retry-failed",
    });
    trained.map_err(failed)?;
    if let Turns::Claimed(claimed) = &turns
        && results.n_failed() == 0
        && interrupt.exit_code().is_none()
    {
        claimed.remove()?;
    }
    Ok(ExitCode::from(interrupt.exit_code().unwrap_or_else(|| results.exit_code())))
}
