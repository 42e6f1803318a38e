//! `qkv completions`: a script with which a shell completes what can be typed.

use std::env;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs};
use crate::output::stdout::Stdout;

/// Prints the script, for the name under which this program was started.
pub fn run(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut command = Args::command();
    let program = env::args_os().next();
    let name = program.as_deref().and_then(|program| Path::new(program).file_stem()?.to_str());
    let name = name.unwrap_or(command.get_name()).to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    Stdout::new().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
