//! `qkv lecture`: the lecture's ladder, ours beside the published numbers, then its two arguments by experiment.

mod comparison;
mod ladder;
mod learning;
mod memory;
mod published;
mod scaling;
mod shapes;

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
    ladder::climb(&mut page, &published)?;
    learning::learn(&mut page, &published)?;
    shapes::show(&mut page, &device)?;
    scaling::experiment(&mut page, &device)?;
    memory::experiment(&mut page, &device)?;
    Ok(if page.verdict()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
