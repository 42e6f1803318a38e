//! `qkv compare`: finished runs by what they were set to, with mean and range over seeds.
//!
//! Here belongs which runs are meant, and how their figures are printed. They are computed in `qkv-inspect`.

mod csv;
mod derived;
mod gathered;
mod json;
mod page;
mod terminal;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use qkv_inspect::Comparison;
use qkv_train::Registry;

use crate::args::CompareArgs;
use crate::exit::usage;
use crate::output::stdout::{Stdout, one_line, print_error};
use derived::derived_keys;
use gathered::Gathered;

/// Compares the runs that were asked for.
pub fn run(args: &CompareArgs, registry: &Registry) -> Result<ExitCode> {
    if let Some(path) = args.out.as_ref().filter(|path| path.is_dir()) {
        return Err(usage(format!("--out {} is a folder; name a file", path.display())));
    }
    let Gathered { runs, left_out, repeated } = Gathered::read(args, registry)?;
    for path in repeated {
        print_error(&format!("warning: {} is named twice, and counts once", path.display()));
    }
    if runs.is_empty() {
        for (path, reason) in &left_out {
            print_error(&one_line(&format!("left out: {}: {reason}", path.display())));
        }
        return Err(usage(format!("expected a finished run, found none among {}", left_out.len())));
    }
    let derived = derived_keys(&runs, registry);
    let comparison = Comparison::new(runs, &derived, args.threshold);
    let kilobytes = page::write(args, &comparison, &left_out)?;
    let out = &mut Stdout::new();
    if args.json {
        json::write(out, &comparison, &left_out, args.seeds)?;
    } else if args.csv {
        csv::write(out, &comparison, args.seeds)?;
        for (path, reason) in &left_out {
            print_error(&one_line(&format!("left out: {}: {reason}", path.display())));
        }
    } else {
        terminal::write(out, &comparison, &left_out, args.seeds)?;
        if let (Some(path), Some(kilobytes)) = (&args.out, kilobytes) {
            writeln!(out, "\n{kilobytes} kB: open {} in a browser", path.display())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
