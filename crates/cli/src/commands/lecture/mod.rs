//! `qkv lecture`: chapter 3 of Sebastian Raschka's *Build a Large Language Model (From Scratch)* in eleven steps, ours
//! beside the printed numbers, the last two by experiment.

mod comparison;

mod learning;
mod memory;
mod published;
mod scaling;
mod shapes;
mod steps;

use std::process::ExitCode;

use anyhow::Result;

use crate::args::LectureArgs;
use crate::output::stdout::Stdout;
use comparison::Comparison;
use published::Published;

/// Replays the lecture; fails if one published number does not come out.
pub fn run(args: &LectureArgs) -> Result<ExitCode> {
    let device = args.machine.open()?;
    let published = Published::new(&device);
    let mut page = Comparison::new(Stdout::new());
    steps::replay(&mut page, &published)?;
    learning::learn(&mut page, &published)?;
    shapes::show(&mut page, &device)?;
    scaling::experiment(&mut page, &device)?;
    memory::experiment(&mut page, &device)?;
    Ok(if page.verdict()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
