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
pub fn show(finished: &[Run], waiting: &[Run], json: bool) -> Result<()> {
    let out = &mut Stdout::new();
    let done = finished.iter().map(|run| (run, true));
    let mut runs: Vec<(&Run, bool)> = done.chain(waiting.iter().map(|run| (run, false))).collect();
    runs.sort_by_key(|(run, _)| run.name.number);
    for &(run, done) in &runs {
        let labels = &run.name.labels;
        if json {
            let path = &run.folder.to_string_lossy();
            writeln!(out, "{}", serde_json::to_string(&Line { settings: labels, path, done })?)?;
        } else if !done {
            writeln!(out, "{:>4}  {}", run.name.number, one_line(&labels.join("  ")))?;
        }
    }
    if !json {
        let (n_runs, n_done) = (counted(runs.len() as u64, "run"), finished.len());
        writeln!(out, "{n_runs}, of which {n_done} done: {} would be trained", waiting.len())?;
    }
    Ok(out.flush()?)
}
