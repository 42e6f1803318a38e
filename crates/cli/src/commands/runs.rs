//! `qkv runs`: the runs in a folder, and where each of them stands.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use qkv_inspect::counted;
use qkv_run::{EvaluatedOn, Evaluation, Overview, RunError, RunFolder, RunState};
use serde::Serialize;

use crate::args::RunsArgs;
use crate::exit::usage;
use crate::output::stdout::{Stdout, one_line};
use crate::output::text::format::bytes;
use crate::output::text::table::table;
use crate::session::plan::RUNS;
use crate::session::runs::location::Location;
use crate::session::runs::runs_in::{DEPTH, runs_in};

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    path: String,
    task: Option<&'a str>,
    /// `training`, `finished`, `stopped` or `damaged`.
    state: &'static str,
    step: u64,
    steps: Option<u64>,
    evaluation: Option<Figures<'a>>,
    bytes: u64,
    started: Option<&'a str>,
    /// What is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'a str>,
}

/// The last evaluation.
#[derive(Serialize)]
struct Figures<'a> {
    split: EvaluatedOn,
    step: u64,
    #[serde(flatten)]
    evaluation: &'a Evaluation,
}

/// Lists the runs, the latest last.
pub fn run(args: &RunsArgs) -> Result<ExitCode> {
    let folder = args.folder.as_deref().unwrap_or(Path::new(RUNS));
    if args.folder.is_some() && !folder.is_dir() {
        return Err(usage(format!("{} is no folder; name one that has runs in it", folder.display())));
    }
    let run = Location::find_if_any(folder, "--step", None).ok().flatten();
    let folder = run.as_ref().map_or(folder, |location| location.run.path());
    let overview = |run: Result<RunFolder, RunError>| match run {
        Ok(run) => run.overview(),
        Err(error) => unreadable(&error),
    };
    let found = runs_in(folder).into_iter();
    let mut runs: Vec<(PathBuf, Overview)> = found.map(|(path, run)| (path, overview(run))).collect();
    runs.sort_by(|(a_path, a), (b_path, b)| (&a.started, a_path).cmp(&(&b.started, b_path)));
    let out = &mut Stdout::new();
    if args.json {
        for (path, overview) in &runs {
            writeln!(out, "{}", serde_json::to_string(&line(path, overview))?)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if runs.is_empty() {
        let folder = one_line(&folder.display().to_string());
        writeln!(out, "no runs in {folder}, nor in folders of it at most {DEPTH} levels down")?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = runs.iter().map(|(path, overview)| row(path, overview)).collect();
    write!(out, "{}", table(&["run", "task", "step", "accuracy", "on", "state", "size", "started"], &rows))?;
    let total = runs.iter().map(|(_, overview)| overview.bytes).sum();
    writeln!(out, "\n{}, {}", counted(runs.len() as u64, "run"), bytes(total))?;
    for (path, overview) in &runs {
        if let RunState::Damaged(what) = &overview.state {
            writeln!(out, "{}", one_line(&format!("{}: {what}", path.display())))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn unreadable(error: &RunError) -> Overview {
    let state = RunState::Damaged(error.to_string());
    Overview { task: None, step: 0, steps: None, evaluation: None, state, started: None, bytes: 0 }
}

fn line<'a>(path: &Path, overview: &'a Overview) -> Line<'a> {
    let what = match &overview.state {
        RunState::Damaged(what) => Some(what.as_str()),
        _ => None,
    };
    let figures = |(split, step, evaluation)| Figures { split, step, evaluation };
    Line {
        path: path.display().to_string(),
        task: overview.task.as_deref(),
        state: name(&overview.state),
        step: overview.step,
        steps: overview.steps,
        evaluation: overview
            .evaluation
            .as_ref()
            .map(|(split, step, figures)| (*split, *step, figures))
            .map(figures),
        bytes: overview.bytes,
        started: overview.started.as_deref(),
        what,
    }
}

fn row(path: &Path, overview: &Overview) -> Vec<String> {
    let dash = || "-".to_owned();
    let steps = overview.steps.map_or(String::new(), |steps| format!(" of {steps}"));
    let (accuracy, on) = match &overview.evaluation {
        Some((split, _, evaluation)) => {
            let accuracy = evaluation.figure(Evaluation::ACCURACY);
            (accuracy.map_or_else(dash, |share| format!("{share:.4}")), on(*split).to_owned())
        }
        None => (dash(), dash()),
    };
    let started = overview.started.as_deref().map_or_else(dash, |time| time.replace('T', " "));
    vec![
        one_line(&path.display().to_string()),
        overview.task.as_deref().map_or_else(dash, one_line),
        format!("{}{steps}", overview.step),
        accuracy,
        on,
        name(&overview.state).to_owned(),
        bytes(overview.bytes),
        started,
    ]
}

fn name(state: &RunState) -> &'static str {
    match state {
        RunState::Training => "training",
        RunState::Finished => "finished",
        RunState::Stopped => "stopped",
        RunState::Damaged(_) => "damaged",
    }
}

fn on(split: EvaluatedOn) -> &'static str {
    match split {
        EvaluatedOn::Train => "train",
        EvaluatedOn::Validation => "validation",
        EvaluatedOn::Test => "test",
        EvaluatedOn::All => "all inputs",
    }
}
