//! `qkv worker`: trains one run of a study for `sweep`, which gives it a config and hears its events.

use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Error, Result};
use qkv_run::{Claims, Disk, Guarded, HeldBy, Lock, RunError, RunFolder, Storage};
use qkv_train::{Alone, ConfigSource, Registry, TrainError};

use crate::args::WorkerArgs;
use crate::exit::{self, usage};
use crate::output::stdout::print_saved;
use crate::session::interrupt::Interrupt;
use crate::session::outcome::{Outcome, Output};
use crate::session::plan::Plan;

/// Trains the run, or goes on with it.
pub fn run(args: &WorkerArgs, registry: &Registry) -> Result<ExitCode> {
    // Before anything is waited for: a signal to all processes of a study may come while one of them starts.
    let mut interrupt = Interrupt::watch(|| {})?;
    let mut input = BufReader::new(io::stdin());
    let mut line = String::new();
    input.read_line(&mut line)?;
    let config: String = serde_json::from_str(&line)
        .map_err(|_| usage("a worker is started by sweep, which gives it a config on standard input"))?;
    interrupt.stop_at_the_end_of(input)?;
    train(args, &config, &mut interrupt, registry).map_err(|error| of_run(error, registry))
}

fn train(
    args: &WorkerArgs,
    config: &str,
    interrupt: &mut Interrupt,
    registry: &Registry,
) -> Result<ExitCode> {
    // sweep has checked the config: a device, a text or memory that is missing by now is missing on this machine.
    let of_machine = |error| exit::of_study(&error, registry);
    let machine = args.machine.open().map_err(of_machine)?;
    let experiment = registry.read(ConfigSource::Toml(config), &[""; 0]);
    let experiment = experiment.map_err(|error| of_machine(error.into()))?;
    let claim = args.claimed_by.as_deref().map(|name| claim(&args.folder, name));
    let storage: Arc<dyn Storage> = match &claim {
        Some(claim) => Arc::new(Guarded::by_claim(Arc::new(Disk), claim, &args.folder)),
        None => Arc::new(Disk),
    };
    let plan = match RunFolder::holds_a_run(&args.folder)? {
        true => {
            let run = RunFolder::open_on(storage, &args.folder)?;
            Plan::go_on_with(run, None, registry, || Ok(experiment))?
        }
        false => Plan::begin_on(storage, experiment, args.folder.clone()),
    };
    if plan.ended().is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    let job = plan.job(&machine, args.max_memory).map_err(of_machine)?;
    let (folder, from) = plan.folder()?;
    match job.run(&folder, &from, Output::Json, interrupt, &Alone)? {
        Outcome::Interrupted { step, code } => {
            print_saved(step, &folder.checkpoint(step).folder);
            Ok(code)
        }
        Outcome::Done(_) => Ok(ExitCode::SUCCESS),
    }
}

/// An error of the run becomes a refusal, which is recorded and not tried again; any other one is of this machine, and
/// ends the command.
fn of_run(error: Error, registry: &Registry) -> Error {
    let (train, run) = (error.downcast_ref::<TrainError>(), exit::run_error(&error));
    let unread = match (train, run) {
        (_, Some(RunError::Io { source, .. })) | (Some(TrainError::Io { source, .. }), _) => {
            Some(source.kind())
        }
        _ => None,
    };
    // An observer fails at its run in the same way on any machine.
    let is_observed = matches!(train, Some(TrainError::Observer(_)));
    let is_of_run =
        is_observed || train.is_some_and(TrainError::is_usage) || run.is_some_and(RunError::is_usage);
    match unread {
        // What another machine, or another user, may be able to read.
        Some(ErrorKind::NotFound | ErrorKind::PermissionDenied) => exit::of_study(&error, registry),
        _ if is_of_run => usage(exit::sentence(&error, registry)),
        _ => error,
    }
}

/// The claim of a run in the folder of its study, which the process of this name made.
fn claim(run: &Path, name: &str) -> Arc<dyn Lock> {
    let study = run.parent().unwrap_or(Path::new("."));
    let of_run = run.file_name().unwrap_or_default().to_string_lossy();
    Arc::new(HeldBy::new(Claims::new(Arc::new(Disk), study, name), &of_run, name))
}
