//! `qkv sweep`: every combination of some settings, each in a folder of its own, and a table of the results.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use qkv_run::{Event, Existing, RunFolder};
use qkv_train::{ConfigSource, Experiment, Registry};
use serde::Serialize;
use toml::Table;

use crate::args::SweepArgs;
use crate::exit::{self, usage};
use crate::output::figures::{figures, words};
use crate::output::stdout::{Stdout, print_saved};
use crate::session::config_file;
use crate::session::environment::Machine;
use crate::session::interrupt::Interrupt;
use crate::session::job::Job;
use crate::session::outcome::{Outcome, Output};
use crate::session::plan::{Plan, RUNS};

/// The table of a config whose keys have lists of values.
pub const SWEEP: &str = "sweep";

/// Most runs of one sweep; more would be a mistake.
const MAX_RUNS: usize = 10_000;

/// Longest name of a folder in bytes; file systems stop at 255.
const MAX_NAME: usize = 240;

/// One combination.
struct Run {
    /// `key=value`, one for each key of `[sweep]`, without quotation marks.
    labels: Vec<String>,
    folder: PathBuf,
    experiment: Experiment,
}

/// Trains the runs that are not finished and shows the results of all.
pub fn run(args: &SweepArgs, registry: &Registry) -> Result<ExitCode> {
    let path = &args.config;
    let text = config_file::read(path)?;
    let runs = runs(args, registry, &text).with_context(|| format!("cannot use {}", path.display()))?;
    let machine = args.machine.open_machine()?;
    // Everything is checked before the first run starts.
    for run in &runs {
        if !run.is_done() {
            Job::prepare(&run.experiment, &machine, args.max_memory).with_context(|| run.labels.join(" "))?;
        }
    }
    let mut interrupt = Interrupt::watch(|| {})?;
    let mut ended = ExitCode::SUCCESS;
    let n_runs = runs.len();
    for (index, Run { labels, folder, experiment }) in runs.into_iter().enumerate() {
        let end = plan(folder, experiment, registry)
            .and_then(|plan| train(plan, &machine, args.max_memory, &mut interrupt));
        match end {
            Ok(Some(end)) => show(args, &end, &format!("{:>4}/{n_runs}", index + 1), &labels)?,
            Ok(None) => {}
            // The others go on after one that fails.
            Err(error) => ended = exit::code(Err(error.context(labels.join(" "))), registry),
        }
        if let Some(code) = interrupt.exit_code() {
            return Ok(ExitCode::from(code));
        }
    }
    Ok(ended)
}

impl Run {
    /// Whether nothing is left to train, so that it does not matter whether it could be trained here. What cannot be
    /// read is reported when it is this run's turn.
    fn is_done(&self) -> bool {
        RunFolder::open(&self.folder).is_ok_and(|run| matches!(run.done(), Ok(Some(_))))
    }
}

fn show(args: &SweepArgs, end: &Event, number: &str, labels: &[String]) -> Result<()> {
    let out = &mut Stdout::of_a_training();
    if args.json {
        let line = serde_json::to_string(&Line { end, settings: labels })?;
        return Ok(writeln!(out, "{line}")?);
    }
    let Event::Done { evaluation, seconds, .. } = end else { return Ok(()) };
    let others = evaluation.metrics.iter().map(|(name, value)| format!("   {} {value:.4}", words(name)));
    let (figures, others, labels) = (figures(evaluation), others.collect::<String>(), labels.join("  "));
    Ok(writeln!(out, "{number}  {figures}{others}   {seconds:>6.1} s   {labels}")?)
}

/// One run as JSON.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    end: &'a Event,
    settings: &'a [String],
}

/// One of the runs, to begin or to go on with.
fn plan(folder: PathBuf, experiment: Experiment, registry: &Registry) -> Result<Plan> {
    if RunFolder::holds_a_run(&folder)? {
        return Plan::go_on(&folder, None, registry, || Ok(experiment));
    }
    Ok(Plan::begin(experiment, Some(folder), Existing::Keep, None))
}

/// The last event of a run; `None` if a signal stopped it.
fn train(
    plan: Plan,
    machine: &Machine,
    max_memory: Option<u64>,
    interrupt: &mut Interrupt,
) -> Result<Option<Event>> {
    if let Some((_, end)) = plan.ended() {
        return Ok(Some(end.clone()));
    }
    let job = plan.job(machine, max_memory)?;
    let (folder, from) = plan.folder()?;
    if let Outcome::Interrupted { step, .. } = job.run(&folder, &from, Output::Quiet, interrupt)? {
        print_saved(step, &folder.checkpoint(step).folder);
        return Ok(None);
    }
    folder.done()?.context("the log of the run has no last line").map(Some)
}

/// The combinations of this shard, checked, with the keys in alphabetical order: the last one changes fastest.
fn runs(args: &SweepArgs, registry: &Registry, text: &str) -> Result<Vec<Run>> {
    let mut config: Table =
        text.parse().map_err(|error: toml::de::Error| usage(format!("not TOML: {}", error.message())))?;
    let Some(toml::Value::Table(sweep)) = config.remove(SWEEP) else {
        return Err(usage("a sweep needs a table [sweep], for example `seed = [0, 1, 2]`"));
    };
    let mut axes = Vec::new();
    flatten(&sweep, "", &mut axes)?;
    let n_runs = axes.iter().try_fold(1_usize, |n, (_, values)| n.checked_mul(values.len()));
    let Some(n_runs) = n_runs.filter(|n_runs| (1..=MAX_RUNS).contains(n_runs)) else {
        return Err(usage(format!("a sweep has between 1 and {MAX_RUNS} runs; shorten the lists")));
    };
    let (shard, n_shards) = shard(args.shard.as_deref())?;
    let parent = match &args.out {
        Some(out) => out.clone(),
        None => Path::new(RUNS).join(args.config.file_stem().unwrap_or_default()),
    };
    if config.contains_key("parent") {
        return Err(usage("[parent] is of a run that began from another; remove it"));
    }
    let text = toml::to_string(&config)?;
    let mut reader = registry.reader();
    let runs: Vec<Run> = (0..n_runs)
        .filter(|index| index % n_shards == shard)
        .map(|index| {
            let combination = combination(&axes, index);
            let settings: Vec<String> =
                combination.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let experiment = reader
                .read(ConfigSource::Toml(&text), &settings)
                .with_context(|| format!("run {}", settings.join(" ")))?;
            let labels: Vec<String> = combination.into_iter().map(label).collect();
            let name = folder_name(&labels);
            if name.len() > MAX_NAME {
                return Err(usage(format!(
                    "the settings of a run name its folder, and `{name}` is too long for one"
                )));
            }
            Ok(Run { folder: parent.join(name), labels, experiment })
        })
        .collect::<Result<_>>()?;
    let mut folders = HashSet::new();
    match runs.iter().find(|run| !folders.insert(&run.folder)) {
        None => Ok(runs),
        Some(run) => Err(usage(format!("two runs would share the folder {}", run.folder.display()))),
    }
}

/// The dotted keys of `[sweep]` with their lists.
fn flatten(table: &Table, prefix: &str, axes: &mut Vec<(String, Vec<toml::Value>)>) -> Result<()> {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Array(values) => axes.push((path, values.clone())),
            toml::Value::Table(table) => flatten(table, &path, axes)?,
            other => {
                return Err(usage(format!("`{path}` in [sweep] must be a list of values, got {other}")));
            }
        }
    }
    Ok(())
}

fn combination(axes: &[(String, Vec<toml::Value>)], mut index: usize) -> Vec<(&str, &toml::Value)> {
    let mut settings = Vec::with_capacity(axes.len());
    for (key, values) in axes.iter().rev() {
        settings.push((key.as_str(), &values[index % values.len()]));
        index /= values.len();
    }
    settings.reverse();
    settings
}

/// Text without its quotation marks.
fn label((key, value): (&str, &toml::Value)) -> String {
    match value.as_str() {
        Some(text) => format!("{key}={text}"),
        None => format!("{key}={value}"),
    }
}

/// The labels without the characters that a file name cannot hold.
fn folder_name(labels: &[String]) -> String {
    let name = labels.join(",");
    name.chars().map(|c| if c.is_alphanumeric() || "=.,-+_".contains(c) { c } else { '_' }).collect()
}

fn shard(text: Option<&str>) -> Result<(usize, usize)> {
    let Some(text) = text else { return Ok((0, 1)) };
    let parsed = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    match parsed {
        Some((i, n)) if (1..=n).contains(&i) => Ok((i - 1, n)),
        _ => Err(usage(format!("--shard must be I/N with I between 1 and N, for example 1/2, got `{text}`"))),
    }
}
