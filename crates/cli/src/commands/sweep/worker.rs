//! `qkv worker`: trains one run of a study for `sweep`, which gives it a config and hears its events.

use std::io::{self, BufRead, BufReader};
use std::process::ExitCode;

use anyhow::Result;
use qkv_run::{Existing, RunFolder};
use qkv_train::{ConfigSource, Registry};

use crate::args::WorkerArgs;
use crate::exit::usage;
use crate::output::stdout::print_saved;
use crate::session::interrupt::Interrupt;
use crate::session::outcome::{Outcome, Output};
use crate::session::plan::Plan;

/// Trains the run, or goes on with it.
pub fn run(args: &WorkerArgs, registry: &Registry) -> Result<ExitCode> {
    let mut input = BufReader::new(io::stdin());
    let mut line = String::new();
    input.read_line(&mut line)?;
    let config: String = serde_json::from_str(&line)
        .map_err(|_| usage("a worker is started by sweep, which gives it a config on standard input"))?;
    let mut interrupt = Interrupt::watch(|| {})?;
    interrupt.stop_at_the_end_of(input)?;
    let machine = args.machine.open_machine()?;
    let experiment = registry.read(ConfigSource::Toml(&config), &[""; 0])?;
    let plan = match RunFolder::holds_a_run(&args.folder)? {
        true => Plan::go_on(&args.folder, None, registry, || Ok(experiment))?,
        false => Plan::begin(experiment, Some(args.folder.clone()), Existing::Keep, None),
    };
    if plan.ended().is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    let job = plan.job(&machine, args.max_memory)?;
    let (folder, from) = plan.folder()?;
    match job.run(&folder, &from, Output::Json, &mut interrupt)? {
        Outcome::Interrupted { step, code } => {
            print_saved(step, &folder.checkpoint(step).folder);
            Ok(code)
        }
        Outcome::Done(_) => Ok(ExitCode::SUCCESS),
    }
}
