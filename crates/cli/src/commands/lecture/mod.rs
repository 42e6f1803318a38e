//! `qkv lecture`: chapter 3 of Sebastian Raschka's *Build a Large Language Model (From Scratch)* in eleven steps, ours
//! compared with the printed numbers, the last two by experiment.

mod comparison;
mod key;
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
use key::Wish;
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
            "--slow waits for a key, and standard input is no terminal; leave it out, or name one step",
        ));
    }
    let device = args.machine.open()?.device;
    let mut page = Comparison::new(Stdout::new(), Published::new(&device.clone().autodiff()));
    let steps = match args.step {
        Some(step) if args.slow => &ALL[step - 1..],
        Some(step) => &ALL[step - 1..step],
        None => &ALL[..],
    };
    for (index, step) in steps.iter().enumerate() {
        let wish = if args.slow && index > 0 { ask()? } else { Wish::GoOn };
        match wish {
            Wish::GoOn => step(&mut page, &device)?,
            Wish::End => break,
            Wish::Interrupt => return Ok(ExitCode::from(INTERRUPTED)),
        }
    }
    Ok(if page.verdict()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The exit code of a process that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Waits for a key between two steps.
fn ask() -> Result<Wish> {
    let mut out = Stdout::new();
    writeln!(out)?;
    let wish = key::wait(|| {
        out.ink(Ink::Quiet, key::PROMPT)?;
        out.flush()
    })?;
    writeln!(out)?;
    Ok(wish)
}
