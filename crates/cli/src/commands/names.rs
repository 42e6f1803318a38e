//! `qkv names`: everything that a config can name.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use qkv_train::Registry;

use crate::output::stdout::Stdout;

/// Lists the names of every kind, built-in ones and those of this program.
pub fn run(registry: &Registry) -> Result<ExitCode> {
    let known = registry.known();
    let width = known.iter().map(|known| known.kind.len()).max().unwrap_or(0);
    let out = &mut Stdout::new();
    for known in known {
        writeln!(out, "{:<width$}  {}", known.kind, known.names.join(" "))?;
    }
    Ok(ExitCode::SUCCESS)
}
