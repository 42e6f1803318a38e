//! The command line: what every command takes.
//!
//! Here belongs what the parser decides. What a value means in a run or a config does not. Negative numbers are allowed
//! everywhere, so that `--seed -1` is refused for its value; a command with [`MachineArgs`] has that from them.

mod lecture;
mod machine;
mod of_a_run;
mod playground;
mod sample;
mod study;
mod training;
mod values;

pub use lecture::{LectureArgs, STEPS};
pub use machine::{BenchArgs, DevicesArgs, MachineArgs};
pub use of_a_run::{
    AblateArgs, CompareArgs, EvalArgs, ExplainArgs, InspectArgs, ReportArgs, RunArgs, RunsArgs, VerifyArgs,
};
pub use playground::PlaygroundArgs;
pub use sample::SampleArgs;
pub use study::{SweepArgs, WorkerArgs};
pub use training::{SettingArgs, TrainArgs};

use std::sync::LazyLock;

use clap::{Args as ClapArgs, Parser, Subcommand};
use clap_complete::Shell;

use crate::help;
use crate::output::text::shell;
use crate::session::environment;

/// Trains small attention models and shows what W_Q, W_K and W_V learned.
#[derive(Debug, Parser)]
#[command(display_name = program(), version = version(), arg_required_else_help = true)]
#[command(after_help = help::end("train reverse"))]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

/// The name under which the program was started.
fn program() -> &'static str {
    static PROGRAM: LazyLock<String> = LazyLock::new(shell::program_name);
    &PROGRAM
}

/// The version of a program with types of a user's own is not known here, only what it is built on.
fn version() -> &'static str {
    static BUILT_ON: LazyLock<String> =
        LazyLock::new(|| format!("built on {OURS} {}", environment::version()));
    if program() == OURS { environment::version() } else { &BUILT_ON }
}

const OURS: &str = "qkv";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a model on a task and keep the run
    #[command(after_help = help::end("train reverse --set model.n_heads=4 --seed 7"))]
    Train(TrainArgs),
    /// List the runs in a folder, and where each of them stands
    #[command(after_help = help::end("runs"))]
    Runs(RunsArgs),
    /// Evaluate a run on the examples of one split
    #[command(after_help = help::end("eval runs/reverse-1 --split validation"))]
    Eval(EvalArgs),
    /// Go on with a text, translate one or answer an input, by what a run learned
    #[command(after_help = help::end("sample runs/reverse-1 --prompt \"A B C D E F G H I J A B C D E F\""))]
    Sample(SampleArgs),
    /// Measure the loss without each head, and without its queries, keys or values
    #[command(after_help = help::end("ablate runs/reverse-1 --mean"))]
    Ablate(AblateArgs),
    /// Walk through the attention of one query, with the run's own numbers
    #[command(after_help = help::end("explain runs/reverse-1 \"A B C D E F G H I J A B C D E F\" --query 3"))]
    Explain(ExplainArgs),
    /// Show W_Q, W_K and W_V and what they learned, from the files alone
    #[command(after_help = help::end("inspect runs/reverse-1 --step 0"))]
    Inspect(InspectArgs),
    /// Check every file of a run against its hashes and its headers
    #[command(after_help = help::end("verify runs/reverse-1"))]
    Verify(VerifyArgs),
    /// Write the film of a training as one offline page
    #[command(after_help = help::end("report runs/reverse-1 --png pictures"))]
    Report(ReportArgs),
    /// Write the page in which a reader trains a model, with a run in it
    #[command(after_help = help::end("playground runs/reverse-1"))]
    Playground(PlaygroundArgs),
    /// Compare runs by what they were set to: a table with mean and range over seeds, and with --out a page
    #[command(after_help = help::end("compare runs/study --out study.html"))]
    Compare(CompareArgs),
    /// Train every run of a study: combinations of lists, ranges and random draws of any settings
    #[command(after_help = help::end("sweep study.toml --jobs 4"))]
    Sweep(SweepArgs),
    /// Train one run of a study, for sweep
    #[command(hide = true, after_help = help::end("worker runs/study/seed=0"))]
    Worker(WorkerArgs),
    /// Time full training steps, beside the fastest matrix product of the machine
    #[command(after_help = help::end("bench --workload toy"))]
    Bench(BenchArgs),
    /// List the devices of this machine and of this build, and let each compute something
    #[command(after_help = help::end("devices"))]
    Devices(DevicesArgs),
    /// Replay chapter 3 of Raschka's Build a Large Language Model (From Scratch), and check its printed numbers
    #[command(after_help = help::end("lecture 2"))]
    Lecture(LectureArgs),
    /// List the tasks
    #[command(after_help = help::end("tasks"))]
    Tasks,
    /// List everything that a config can name: tasks, models, scores, optimizers, …
    #[command(after_help = help::end("names"))]
    Names,
    /// Write a script with which a shell completes commands and options
    #[command(after_help = help::end("completions bash"))]
    Completions(CompletionsArgs),
}

#[derive(Debug, ClapArgs)]
pub struct CompletionsArgs {
    /// The shell that is to read it
    pub shell: Shell,
}
