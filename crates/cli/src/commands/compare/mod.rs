//! `qkv compare`: finished runs by what they were set to, with mean and range over seeds.
//!
//! Here belongs which runs are meant, and how their figures are printed. They are computed in `qkv-inspect`.

mod csv;
mod derived;
mod gathered;
mod json;
mod lineage;
mod page;
mod terminal;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use qkv_inspect::Comparison;
use qkv_train::Registry;

use crate::args::CompareArgs;
use crate::exit::usage;
use crate::output::files::page::PageFile;
use crate::output::stdout::{Stdout, one_line, print_error};
use derived::derived_keys;
use gathered::Gathered;
use lineage::is_cut_off;

/// Compares the runs that were asked for.
pub fn run(args: &CompareArgs, registry: &Registry) -> Result<ExitCode> {
    let out_file = args.out.as_deref().map(PageFile::new).transpose()?;
    let Gathered { runs, left_out, repeated } = Gathered::read(args, registry)?;
    match &repeated[..] {
        [] => {}
        [run] => print_error(&format!("warning: {} is named twice, and counts once", run.display())),
        [first, ..] => print_error(&format!(
            "warning: {} runs are named twice, and count once, such as {}",
            repeated.len(),
            first.display()
        )),
    }
    match runs.iter().filter(|run| is_cut_off(run.config())).count() {
        0 => {}
        1 => print_error(
            "warning: the parent of one run is gone or has other weights; the run is told apart by where that was",
        ),
        n => print_error(&format!(
            "warning: the parents of {n} runs are gone or have other weights; these runs are told apart by where those \
             were"
        )),
    }
    if runs.is_empty() {
        for (path, reason) in &left_out {
            print_error(&one_line(&format!("left out: {}: {reason}", path.display())));
        }
        return Err(usage(format!("expected a finished run, found none among {}", left_out.len())));
    }
    let derived = derived_keys(&runs, registry);
    let comparison = Comparison::new(runs, &derived, args.threshold);
    let page =
        args.out.as_ref().map(|path| page::of(path, &args.runs, &comparison, &left_out)).transpose()?;
    let place = out_file.zip(page).map(|(file, page)| file.write(&page)).transpose()?;
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
        if let Some(place) = place {
            writeln!(out, "\n{place}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
