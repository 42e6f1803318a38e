//! The `qkv` binary: parses arguments, picks the device, runs one command, and turns its result into an exit code.

mod args;
mod device;
mod ending;
mod eval;
mod exit;
mod explain;
mod inspect;
mod interrupt;
mod lecture;
mod loaded;
mod numbers;
mod progress;
mod screen;
mod style;
mod table;
mod tasks;
mod train;

use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;

/// Burn makes several large temporaries a step; glibc's allocator returns each of them to the kernel.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Train(args) => train::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Lecture(args) => lecture::run(&args),
        Command::Tasks => tasks::run(),
    };
    exit::code(result)
}
