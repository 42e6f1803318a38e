//! `qkv worker`: trains one run of a study for `sweep`, which gives it a config and hears its events.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use qkv_run::{Claims, Disk, Guarded, HeldBy, Lock, RunFolder, Storage};
use qkv_train::{Alone, ConfigSource, Registry};

use crate::args::WorkerArgs;
use crate::exit::usage;
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
    let machine = args.machine.open()?;
    let experiment = registry.read(ConfigSource::Toml(&config), &[""; 0])?;
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
    let job = plan.job(&machine, args.max_memory)?;
    let (folder, from) = plan.folder()?;
    match job.run(&folder, &from, Output::Json, &mut interrupt, &Alone)? {
        Outcome::Interrupted { step, code } => {
            print_saved(step, &folder.checkpoint(step).folder);
            Ok(code)
        }
        Outcome::Done(_) => Ok(ExitCode::SUCCESS),
    }
}

/// The claim of a run in the folder of its study, which the process of this name made.
fn claim(run: &Path, name: &str) -> Arc<dyn Lock> {
    let study = run.parent().unwrap_or(Path::new("."));
    let of_run = run.file_name().unwrap_or_default().to_string_lossy();
    Arc::new(HeldBy::new(Claims::new(Arc::new(Disk), study, name), &of_run, name))
}
