//! One JSON object a row.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use qkv_inspect::{Comparison, LeftOut, RunRecord, Setting, Spread};
use serde::Serialize;

/// The seeds of a setting.
#[derive(Serialize)]
struct SettingLine<'a> {
    settings: BTreeMap<&'a str, &'a str>,
    runs: usize,
    figures: BTreeMap<&'a str, Option<Spread>>,
    threshold: f64,
    phase_change: Option<Spread>,
    steps: Spread,
    seconds: Option<Spread>,
}

/// One run.
#[derive(Serialize)]
struct RunLine<'a> {
    path: String,
    settings: BTreeMap<&'a str, &'a str>,
    seed: Option<i64>,
    figures: BTreeMap<&'a str, Option<f64>>,
    threshold: f64,
    phase_change: Option<u64>,
    steps: u64,
    seconds: f64,
}

/// A run that is not compared.
#[derive(Serialize)]
struct LeftOutLine {
    path: String,
    left_out: String,
}

pub fn write(
    out: &mut impl Write,
    comparison: &Comparison,
    left_out: &[(PathBuf, LeftOut)],
    by_seed: bool,
) -> Result<()> {
    for setting in &comparison.settings {
        if by_seed {
            for &run in &setting.runs {
                line(out, &of_run(comparison, setting, &comparison.runs[run]))?;
            }
        } else {
            line(out, &of_setting(comparison, setting))?;
        }
    }
    left_out.iter().try_for_each(|(path, reason)| {
        line(out, &LeftOutLine { path: text(path), left_out: reason.to_string() })
    })
}

fn line(out: &mut impl Write, line: &impl Serialize) -> Result<()> {
    Ok(writeln!(out, "{}", serde_json::to_string(line)?)?)
}

fn settings<'a>(comparison: &'a Comparison, setting: &Setting) -> BTreeMap<&'a str, &'a str> {
    let names = comparison.keys.iter().map(|key| key.name.as_str());
    names.zip(comparison.values(setting)).collect()
}

fn of_setting<'a>(comparison: &'a Comparison, setting: &'a Setting) -> SettingLine<'a> {
    let figures = comparison.figures.iter().map(String::as_str).zip(setting.figures.iter().copied());
    SettingLine {
        settings: settings(comparison, setting),
        runs: setting.runs.len(),
        figures: figures.collect(),
        threshold: comparison.threshold,
        phase_change: setting.phase_change,
        steps: setting.steps,
        seconds: setting.seconds,
    }
}

fn of_run<'a>(comparison: &'a Comparison, setting: &Setting, run: &'a RunRecord) -> RunLine<'a> {
    let figure = |name: &'a String| (name.as_str(), run.evaluation.figure(name));
    RunLine {
        path: text(&run.path),
        settings: settings(comparison, setting),
        seed: run.seed,
        figures: comparison.figures.iter().map(figure).collect(),
        threshold: comparison.threshold,
        phase_change: run.phase_change,
        steps: run.step,
        seconds: run.seconds,
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
