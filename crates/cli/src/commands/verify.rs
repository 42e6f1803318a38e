//! `qkv verify`: whether every file of a run is what was written.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use qkv_inspect::{InspectError, Snapshot, Weights, counted};
use qkv_run::{Finding, RunError, RunFolder};
use serde::Serialize;

use crate::args::VerifyArgs;
use crate::output::stdout::Stdout;
use crate::session::location::Location;

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    /// Its path in the run.
    file: String,
    good: bool,
    /// Where it differs, from the first byte to the one after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<[u64; 2]>,
    /// What was found, and what was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'a str>,
}

/// Lists every file of the run as good, or with what differs.
pub fn run(args: &VerifyArgs) -> Result<ExitCode> {
    let location = Location::find(&args.run, "--step", None)?;
    let run = &location.run;
    let part = match location.step {
        Some(step) if args.run.is_dir() => run.checkpoint(step).folder,
        Some(step) => run.at(step)?.folder,
        None => run.path().to_owned(),
    };
    let (files, findings) = match files_and_findings(run) {
        // A folder that cannot even be listed.
        Err(RunError::Damaged { file, what }) => (Vec::new(), vec![Finding { file, bytes: None, what }]),
        result => result?,
    };
    let mut by_file: BTreeMap<PathBuf, Vec<Finding>> =
        files.into_iter().map(|file| (file, Vec::new())).collect();
    for finding in findings {
        by_file.entry(finding.file.clone()).or_default().push(finding);
    }
    by_file.retain(|file, _| file.starts_with(&part) || part.starts_with(file));
    let out = &mut Stdout::new();
    for (file, findings) in &by_file {
        print(out, file.strip_prefix(run.path()).unwrap_or(file), findings, args.json)?;
    }
    let n_bad = by_file.values().filter(|findings| !findings.is_empty()).count() as u64;
    let n_files = by_file.len() as u64;
    if !args.json {
        match n_bad {
            0 => writeln!(out, "\n{} checked, all are what was written", counted(n_files, "file"))?,
            _ => {
                writeln!(out, "\n{} checked, {n_bad} differ from what was written", counted(n_files, "file"))?
            }
        }
    }
    Ok(if n_bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every file that is checked, and what is wrong with them.
fn files_and_findings(run: &RunFolder) -> Result<(Vec<PathBuf>, Vec<Finding>), RunError> {
    let mut findings = run.verify()?;
    for frame in run.snapshots()?.into_values() {
        if findings.iter().all(|finding| finding.file != frame)
            && let Err(error) = read_frame(run, &frame)
        {
            findings.push(Finding { file: frame, bytes: None, what: error.to_string() });
        }
    }
    Ok((run.files()?, findings))
}

/// Reads a frame as the film does: its layout alone does not show whether it has maps and labels.
fn read_frame(run: &RunFolder, frame: &Path) -> Result<(), InspectError> {
    let file = Weights::open_in(run, frame)?;
    for name in file.names() {
        file.tensor(name)?;
    }
    Snapshot::all(&file).map(drop)
}

fn print(out: &mut impl Write, file: &Path, findings: &[Finding], json: bool) -> Result<()> {
    let file = file.display().to_string();
    let mut line = |bytes: Option<[u64; 2]>, what: Option<&str>| -> Result<()> {
        let (file, good) = (file.clone(), what.is_none());
        if json {
            let line = Line { file, good, bytes, what };
            writeln!(out, "{}", serde_json::to_string(&line).expect("names and numbers are JSON"))?;
            return Ok(());
        }
        match (bytes, what) {
            (_, None) => writeln!(out, "good     {file}")?,
            (None, Some(what)) => writeln!(out, "differs  {file}: {what}")?,
            (Some([start, end]), Some(what)) => {
                writeln!(out, "differs  {file}, bytes {start} to {end}: {what}")?;
            }
        }
        Ok(())
    };
    if findings.is_empty() {
        return line(None, None);
    }
    findings.iter().try_for_each(|Finding { bytes, what, .. }| {
        line(bytes.as_ref().map(|bytes| [bytes.start, bytes.end]), Some(what))
    })
}
