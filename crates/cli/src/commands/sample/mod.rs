//! `qkv sample`: what a model writes by itself to a prompt of the user's.
//!
//! Where prompts come from lies in `prompts.rs`, what is written to one in `writer.rs`, how that is shown in `shown.rs`.

mod prompts;
mod shown;
mod writer;

use std::process::ExitCode;

use anyhow::Result;
use qkv_train::Registry;

use self::shown::Shown;
use self::writer::Writer;
use crate::args::SampleArgs;
use crate::session::runs::open_run::OpenRun;

/// Answers the prompt, or each line of standard input as soon as it is there.
pub fn run(args: &SampleArgs, registry: &Registry) -> Result<ExitCode> {
    let device = args.machine.open()?.device;
    let run = OpenRun::open(&args.run, registry, &device)?;
    let writer = Writer::new(&run, args, &device)?;
    let mut shown = Shown::new(&run, args.json);
    prompts::each(args.prompt.as_deref(), registry, |prompt| {
        writer.write(prompt, &mut |sample| shown.show(prompt, sample))
    })?;
    Ok(ExitCode::SUCCESS)
}
