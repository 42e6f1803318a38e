//! One JSON object a row.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use qkv_inspect::{Comparison, Figure, KeyValue, LeftOut, RunRecord, Setting, Spread};
use serde::Serialize;
use serde_json::Value;

/// The seeds of a setting.
#[derive(Serialize)]
struct SettingLine<'a> {
    settings: BTreeMap<&'a str, &'a KeyValue>,
    runs: usize,
    #[serde(flatten)]
    figures: Figures<'a, Spread>,
}

/// One run.
#[derive(Serialize)]
struct RunLine<'a> {
    path: String,
    settings: BTreeMap<&'a str, &'a KeyValue>,
    seed: Option<i64>,
    #[serde(flatten)]
    figures: Figures<'a, Value>,
}

#[derive(Serialize)]
struct Figures<'a, T> {
    /// Those of the evaluation at the end.
    figures: BTreeMap<&'a str, Option<T>>,
    threshold: f64,
    #[serde(flatten)]
    others: BTreeMap<&'a str, Option<T>>,
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
        let settings = || settings(comparison, setting);
        if by_seed {
            for run in setting.runs.iter().map(|&run| &comparison.runs[run]) {
                let figures =
                    figures(comparison, comparison.figures.iter().map(|figure| number(figure, run)));
                line(out, &RunLine { path: text(&run.path), settings: settings(), seed: run.seed, figures })?;
            }
        } else {
            let figures = figures(comparison, setting.figures.iter().copied());
            line(out, &SettingLine { settings: settings(), runs: setting.runs.len(), figures })?;
        }
    }
    left_out.iter().try_for_each(|(path, reason)| {
        line(out, &LeftOutLine { path: text(path), left_out: reason.to_string() })
    })
}

fn line(out: &mut impl Write, line: &impl Serialize) -> Result<()> {
    Ok(writeln!(out, "{}", serde_json::to_string(line)?)?)
}

fn settings<'a>(comparison: &'a Comparison, setting: &Setting) -> BTreeMap<&'a str, &'a KeyValue> {
    let names = comparison.keys.iter().map(|key| key.name.as_str());
    names.zip(comparison.values(setting)).collect()
}

fn figures<T>(comparison: &Comparison, values: impl Iterator<Item = Option<T>>) -> Figures<'_, T> {
    let all = comparison.figures.iter().zip(values);
    let (measured, others): (Vec<_>, Vec<_>) =
        all.partition(|(figure, _)| matches!(figure, Figure::Measured(_)));
    Figures { figures: by_name(measured), threshold: comparison.threshold, others: by_name(others) }
}

fn by_name<T>(figures: Vec<(&Figure, Option<T>)>) -> BTreeMap<&str, Option<T>> {
    figures.into_iter().map(|(figure, value)| (figure.name(), value)).collect()
}

/// Steps are whole numbers.
fn number(figure: &Figure, run: &RunRecord) -> Option<Value> {
    let value = figure.of_run(run)?;
    Some(if matches!(figure, Figure::PhaseChange | Figure::Steps) {
        Value::from(value as u64)
    } else {
        value.into()
    })
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
