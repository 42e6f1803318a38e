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
use comparison::Sheet;
use published::Published;

/// Replays the lecture; fails if one published number does not come out.
pub fn run(args: &LectureArgs) -> Result<ExitCode> {
    let device = args.machine.open()?;
    let published = Published::new(&device);
    let mut sheet = Sheet::new(Stdout::new());
    ladder::climb(&mut sheet, &published)?;
    learning::learn(&mut sheet, &published)?;
    shapes::show(&mut sheet, &device)?;
    scaling::experiment(&mut sheet, &device)?;
    memory::experiment(&mut sheet, &device)?;
    Ok(if sheet.verdict()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
