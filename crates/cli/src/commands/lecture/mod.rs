//! `qkv lecture`: chapter 3 of Sebastian Raschka's *Build a Large Language Model (From Scratch)* in eleven steps, ours
//! compared with the printed numbers, the last two by experiment.

mod comparison;
mod learning;
mod memory;
mod published;
mod saturation;
mod scaling;
mod shapes;
mod steps;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Result;
use burn::tensor::Device;

use crate::args::{LectureArgs, STEPS};
use crate::exit::usage;
use crate::output::ink::{Ink, Inked};
use crate::output::stdout::Stdout;
use comparison::Comparison;
use published::Published;

type Step = fn(&mut Comparison, &Device) -> Result<()>;

/// In the order of the lecture.
const ALL: [Step; STEPS] = [
    |page, _| steps::basic(page),
    |page, _| steps::learnable(page),
    |page, _| steps::linear(page),
    |page, _| steps::causal(page),
    |page, _| steps::heads(page),
    |page, _| steps::output_projection(page),
    |page, _| learning::gradients(page),
    |page, _| learning::training(page),
    shapes::show,
    scaling::experiment,
    memory::experiment,
];

/// Replays the lecture, or one step of it; fails if one published number does not come out.
pub fn run(args: &LectureArgs) -> Result<ExitCode> {
    if args.slow && !io::stdin().is_terminal() {
        return Err(usage(
            "--slow waits for the Enter key, and standard input is no terminal; leave it out, or name one step",
        ));
    }
    let device = args.machine.open()?.device;
    let mut page = Comparison::new(Stdout::new(), Published::new(&device.clone().autodiff()));
    let steps = match args.step {
        Some(step) => &ALL[step - 1..step],
        None => &ALL[..],
    };
    for (index, step) in steps.iter().enumerate() {
        if args.slow && index > 0 && !goes_on()? {
            break;
        }
        step(&mut page, &device)?;
    }
    Ok(if page.verdict()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits for a line; `false` at one that begins with `q`, or at the end of the input.
fn goes_on() -> Result<bool> {
    let mut out = Stdout::new();
    writeln!(out)?;
    out.ink(Ink::Quiet, "Enter goes on, q and Enter end ")?;
    out.flush()?;
    let mut line = String::new();
    let n_bytes = io::stdin().read_line(&mut line)?;
    Ok(n_bytes > 0 && !line.trim_start().starts_with('q'))
}
