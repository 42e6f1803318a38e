//! `qkv verify`: whether every file of a run is what was written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use qkv_inspect::{InspectError, Snapshot, Weights, counted};
use qkv_run::tensor_names::SEAL;
use qkv_run::{CheckedFor, Finding, RunFolder, Verified};
use qkv_train::{ConfigSource, Registry};
use serde::Serialize;
use toml::Table;

use crate::args::VerifyArgs;
use crate::output::stdout::Stdout;
use crate::session::runs::location::Location;

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    /// Its path in the run.
    file: String,
    good: bool,
    /// What a good file was checked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    checked: Option<&'static str>,
    /// Where it differs, from the first byte to the one after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<[u64; 2]>,
    /// What was found, and what was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'a str>,
}

/// Lists every file of the run as good, and for what it was checked, or with what differs.
pub fn run(args: &VerifyArgs, registry: &Registry) -> Result<ExitCode> {
    let (folder, verified) = match Location::alone(&args.run, "--step", None)? {
        Some(checkpoint) => (args.run.clone(), checkpoint.verify()?),
        None => of_a_run(&args.run, registry)?,
    };
    let good = verified.good.iter().map(|(file, checked)| (file, Some(*checked), None));
    let findings = verified.findings.iter().map(|finding| (&finding.file, None, Some(finding)));
    let mut lines: Vec<_> = good.chain(findings).collect();
    // Those of one file stay in their order.
    lines.sort_by_key(|(file, ..)| *file);
    let out = &mut Stdout::new();
    for (file, checked, finding) in lines {
        print(out, file.strip_prefix(&folder).unwrap_or(file), checked, finding, args.json)?;
    }
    if !args.json {
        summary(out, &verified)?;
    }
    Ok(if verified.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The folder of the run, and what is found in it, or in the one of its checkpoints that is named.
fn of_a_run(path: &Path, registry: &Registry) -> Result<(PathBuf, Verified)> {
    let Location { run, step } = Location::find(path, "--step", None)?;
    let part = match step {
        Some(step) if path.is_dir() => run.checkpoint(step).folder,
        Some(step) => run.at(step)?.folder,
        None => run.path().to_owned(),
    };
    let is_asked = |file: &Path| file.starts_with(&part) || part.starts_with(file);
    let mut verified = verified(&run, registry)?;
    verified.good.retain(|file, _| is_asked(file));
    verified.findings.retain(|finding| is_asked(&finding.file));
    Ok((run.path().to_owned(), verified))
}

/// What is found without and with the readers of configs and frames.
fn verified(run: &RunFolder, registry: &Registry) -> Result<Verified> {
    let complete = |config: &Table| {
        let experiment = registry.read(ConfigSource::Run(&config.to_string()), &[] as &[&str]);
        experiment.ok()?.config.to_toml().parse().ok()
    };
    let mut verified = run.verify_with(&complete)?;
    let frames = run.snapshots().unwrap_or_default();
    for frame in frames.into_values() {
        if verified.good.contains_key(&frame)
            && let Err(error) = read_frame(run, &frame)
        {
            verified.good.remove(&frame);
            verified.findings.push(Finding { file: frame, bytes: None, what: error.to_string() });
        }
    }
    Ok(verified)
}

/// Reads a frame as the film does: its bytes alone do not show whether it has maps and labels.
fn read_frame(run: &RunFolder, frame: &Path) -> Result<(), InspectError> {
    let file = Weights::of_frame(run, frame)?;
    for name in file.names().filter(|name| *name != SEAL) {
        file.tensor(name)?;
    }
    Snapshot::all(&file).map(drop)
}

fn print(
    out: &mut impl Write,
    file: &Path,
    checked: Option<CheckedFor>,
    finding: Option<&Finding>,
    json: bool,
) -> Result<()> {
    let file = file.display().to_string();
    let checked = checked.map(name);
    if json {
        let bytes = finding.and_then(|finding| finding.bytes.as_ref()).map(|bytes| [bytes.start, bytes.end]);
        let what = finding.map(|finding| finding.what.as_str());
        let line = Line { file, good: finding.is_none(), checked, bytes, what };
        writeln!(out, "{}", serde_json::to_string(&line).expect("names and numbers are JSON"))?;
        return Ok(());
    }
    match finding {
        None => writeln!(out, "good     {file}  ({})", checked.unwrap_or_default())?,
        Some(Finding { bytes: None, what, .. }) => writeln!(out, "differs  {file}: {what}")?,
        Some(Finding { bytes: Some(Range { start, end }), what, .. }) => {
            writeln!(out, "differs  {file}, bytes {start} to {end}: {what}")?;
        }
    }
    Ok(())
}

/// How many files there were, and what the check of the good ones could find.
fn summary(out: &mut impl Write, verified: &Verified) -> Result<()> {
    let bad: BTreeSet<&Path> = verified.findings.iter().map(|finding| finding.file.as_path()).collect();
    let n_files = counted((verified.good.len() + bad.len()) as u64, "file");
    match bad.len() {
        0 => writeln!(out, "\n{n_files} checked, no difference found")?,
        n_bad => writeln!(out, "\n{n_files} checked, {n_bad} differ from what was written")?,
    }
    let mut n_by_check: BTreeMap<CheckedFor, u64> = BTreeMap::new();
    for checked in verified.good.values() {
        *n_by_check.entry(*checked).or_default() += 1;
    }
    for (checked, n) in n_by_check {
        let scope = match checked {
            CheckedFor::Hash => "every bit, by SHA-256",
            CheckedFor::Values => "its values are those of the newest checkpoint",
            CheckedFor::Layout => {
                "its parts fit each other, its numbers are not known; an early version wrote no hash"
            }
            CheckedFor::Lines => "every line is an event and no step is missing, its figures are not known",
        };
        writeln!(out, "  {:<7} {n:>5}  {scope}", name(checked))?;
    }
    Ok(())
}

fn name(checked: CheckedFor) -> &'static str {
    match checked {
        CheckedFor::Hash => "hash",
        CheckedFor::Values => "values",
        CheckedFor::Layout => "layout",
        CheckedFor::Lines => "lines",
    }
}
