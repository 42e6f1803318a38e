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

use crate::args::MachineArgs;
use crate::output::stdout::Stdout;
use comparison::Comparison;
use published::Published;

/// Replays the lecture; fails if one published number does not come out.
pub fn run(machine: &MachineArgs) -> Result<ExitCode> {
    let device = machine.open()?.device;
    let mut page = Comparison::new(Stdout::new(), Published::new(&device.clone().autodiff()));
    steps::replay(&mut page)?;
    learning::learn(&mut page)?;
    shapes::show(&mut page, &device)?;
    scaling::experiment(&mut page, &device)?;
    memory::experiment(&mut page, &device)?;
    Ok(if page.verdict()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
