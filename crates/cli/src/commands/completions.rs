//! `qkv completions`: a script with which a shell completes what can be typed.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs};
use crate::output::stdout::Stdout;
use crate::output::text::shell;

/// Prints the script, for the name under which this program was started.
pub fn run(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut command = Args::command();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, shell::program_name(), &mut script);
    Stdout::new().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
