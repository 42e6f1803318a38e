//! From a registry and the process's arguments to an exit code.

use std::env;
use std::process::ExitCode;

use clap::Parser;
use qkv_train::{Alone, Processes, Registry};

use crate::advice;
use crate::args::{Args, Command};
use crate::commands::{
    ablate, bench, compare, completions, devices, eval, explain, inspect, lecture, names, playground, report,
    runs, sample, sweep, tasks, train, verify,
};
use crate::exit;
use crate::output::text::shell;
use crate::processes;
use crate::session::interrupt::{end_at_usr1, survive_file_size_limit};

/// Runs the command that the process was started with, on the types of `registry`.
///
/// Exit codes:
///
/// ```text
#[doc = include_str!("exit_codes.txt")]
/// ```
pub fn run(registry: Registry) -> ExitCode {
    let command = match Args::try_parse() {
        Ok(args) => args.command,
        Err(_) if processes::is_silent() => return ExitCode::SUCCESS,
        Err(_) if is_without_a_task() => {
            return exit::code(tasks::instead_of_a_training(&registry), &registry);
        }
        Err(message) => {
            let message = advice::with_setting(message, &shell::arguments().unwrap_or_default(), &registry);
            return exit::parser_message(&message, &registry);
        }
    };
    survive_file_size_limit();
    let refused = match &command {
        // A study starts a worker for each of its runs, whatever started the study.
        Command::Train(_) | Command::Worker(_) => None,
        Command::Sweep(args) if args.claim || args.shard.is_some() => None,
        Command::Sweep(_) => processes::refuse_several(
            &registry,
            "add --claim, by which they share the runs of the study, or start one",
        ),
        _ => processes::refuse_several(&registry, "start one: only `train` is divided among processes"),
    };
    if let Some(code) = refused {
        return code;
    }
    let is_divided = matches!(command, Command::Train(_));
    let run = |processes: &dyn Processes| -> anyhow::Result<ExitCode> {
        registry.check()?;
        match command {
            Command::Train(args) => train::run(&args, &registry, processes),
            Command::Runs(args) => runs::run(&args),
            Command::Eval(args) => eval::run(&args, &registry),
            Command::Sample(args) => sample::run(&args, &registry),
            Command::Ablate(args) => ablate::run(&args, &registry),
            Command::Explain(args) => explain::run(&args, &registry),
            Command::Inspect(args) => inspect::run(&args, &registry),
            Command::Verify(args) => verify::run(&args, &registry),
            Command::Report(args) => report::run(&args, &registry),
            Command::Playground(args) => playground::run(&args, &registry),
            Command::Compare(args) => compare::run(&args, &registry),
            Command::Sweep(args) => sweep::run(&args, &registry),
            Command::Worker(args) => sweep::worker::run(&args, &registry),
            Command::Bench(args) => bench::run(&args),
            Command::Devices(args) => devices::run(&args),
            Command::Lecture(args) => lecture::run(&args),
            Command::Names => names::run(&registry),
            Command::Completions(args) => completions::run(&args),
            Command::Tasks => tasks::run(&registry),
        }
    };
    if !is_divided {
        return exit::code(run(&Alone), &registry);
    }
    end_at_usr1();
    processes::on_all(&registry, run)
}

/// Whether `train` stands alone: there is nothing wrong yet, only a task to be chosen.
fn is_without_a_task() -> bool {
    env::args_os().skip(1).eq(["train"])
}
