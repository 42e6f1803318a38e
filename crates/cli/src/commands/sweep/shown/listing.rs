//! The runs that would be trained, in place of a training.

use std::io::Write;

use anyhow::Result;
use qkv_inspect::counted;
use serde::Serialize;

use super::super::study::runs::Run;
use crate::output::stdout::{Stdout, one_line};

/// One run as JSON.
#[derive(Serialize)]
struct Line<'a> {
    settings: &'a [String],
    path: &'a str,
    done: bool,
}

/// Lists the runs of a share that are not done, and how many are; as JSON all of them, with that.
pub fn show(runs: &[Run], json: bool) -> Result<()> {
    let out = &mut Stdout::new();
    let mut n_done = 0;
    for run in runs {
        let done = run.is_done();
        n_done += u64::from(done);
        let labels = &run.name.labels;
        if json {
            let path = &run.folder.to_string_lossy();
            writeln!(out, "{}", serde_json::to_string(&Line { settings: labels, path, done })?)?;
        } else if !done {
            writeln!(out, "{:>4}  {}", run.name.number, one_line(&labels.join("  ")))?;
        }
    }
    if !json {
        let n_runs = runs.len() as u64;
        writeln!(
            out,
            "{}, of which {n_done} done: {} would be trained",
            counted(n_runs, "run"),
            n_runs - n_done
        )?;
    }
    Ok(out.flush()?)
}
