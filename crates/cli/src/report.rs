//! `qkv report`: the film of a training as one offline page.

use std::fs;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use qkv_inspect::{Film, Run};

use crate::args::ReportArgs;
use crate::exit::usage;

/// Writes the page.
pub fn run(args: &ReportArgs) -> Result<ExitCode> {
    let path = args.out.clone().unwrap_or_else(|| args.run.join("report.html"));
    if path.is_dir() {
        return Err(usage(format!("--out {} is a folder; name a file", path.display())));
    }
    let read = |path: &PathBuf| Ok(Film::read(&Run::open(path)?)?);
    let film = read(&args.run)?;
    let others = args.others.iter().map(read).collect::<Result<Vec<Film>>>()?;
    let page = film.html(&others)?;
    fs::write(&path, &page).with_context(|| format!("cannot write {}", path.display()))?;
    let out = &mut stdout().lock();
    for line in film.story() {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "\n{} frames, {} kB: open {} in a browser",
        film.frames.len(),
        page.len() / 1000,
        path.display()
    )?;
    Ok(ExitCode::SUCCESS)
}
