//! The runs that a user names, read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use qkv_inspect::{LeftOut, RunRecord, grouped};
use qkv_run::{RunError, RunFolder};
use qkv_train::Registry;

use super::lineage::{Lineage, filled_in};
use crate::advice;
use crate::args::CompareArgs;
use crate::exit::{sentence, usage};
use crate::output::files::page::folder_of;
use crate::session::plan::RUNS;
use crate::session::runs::location::Location;
use crate::session::runs::open_run::check_to_show;
use crate::session::runs::runs_in::{DEPTH, STUDY, runs_in};

/// Most runs of one comparison, as many as a sweep has.
const MAX_RUNS: usize = 10_000;

/// Everything that was named.
pub struct Gathered {
    /// The finished runs.
    pub runs: Vec<RunRecord>,
    /// The others, each with the reason.
    pub left_out: Vec<(PathBuf, LeftOut)>,
    /// What was named again under another or the same name.
    pub repeated: Vec<PathBuf>,
}

/// A run, or why it cannot be looked at.
type Found = (PathBuf, Result<RunFolder, RunError>);

impl Gathered {
    /// Reads the runs, one at a time.
    pub fn read(args: &CompareArgs, registry: &Registry) -> Result<Self> {
        let (mut found, mut repeated, mut known) = (Vec::new(), Vec::new(), BTreeSet::new());
        for path in &args.runs {
            for (path, run) in named(path)? {
                let place = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
                if known.insert(place) { found.push((path, run)) } else { repeated.push(path) }
            }
        }
        match found.len() {
            2..=MAX_RUNS => {}
            1 => {
                return Err(usage(format!(
                    "expected at least two runs, found one, {}; name others beside it, or a folder with runs in it",
                    found[0].0.display()
                )));
            }
            n => {
                return Err(usage(format!(
                    "expected at most {} runs, found {}; name fewer",
                    grouped(MAX_RUNS),
                    grouped(n)
                )));
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        repeated.sort_unstable();
        let (mut runs, mut left_out, mut lineage) = (Vec::new(), Vec::new(), Lineage::new(registry.reader()));
        for (path, run) in found {
            let run = run.map_err(|error| unreadable(&error.into(), registry));
            match run.and_then(|run| record(run, args.threshold, &mut lineage, registry)) {
                Ok(record) => runs.push(record),
                Err(reason) => left_out.push((path, reason)),
            }
        }
        Ok(Self { runs, left_out, repeated })
    }
}

/// The runs that a path stands for, at least one.
fn named(path: &Path) -> Result<Vec<Found>> {
    if path.is_file() {
        return named_by_config(path);
    }
    if let Some(Location { run, .. }) = Location::find_if_any(path, "--step", None)? {
        return Ok(vec![(run.path().to_owned(), Ok(run))]);
    }
    if !path.is_dir() {
        let missing = format!("{} does not exist; name runs, or a folder with runs in it", path.display());
        return Err(usage(match advice::about_a_run(path) {
            Some(meant) => format!("{missing}; {meant}"),
            None => missing,
        }));
    }
    let runs = runs_in(path);
    if runs.is_empty() {
        return Err(usage(format!(
            "expected runs in {}, or in folders of it at most {DEPTH} levels down, found none",
            path.display()
        )));
    }
    Ok(runs)
}

/// The runs of a sweep's config: beside it where a study keeps it, else in the folder that has its name.
fn named_by_config(path: &Path) -> Result<Vec<Found>> {
    if RunFolder::holds_a_run(folder_of(path))? {
        let refused = Location::find(path, "--step", None).err();
        return Err(refused.unwrap_or_else(|| usage(format!("{} is a file; name a folder", path.display()))));
    }
    if path.extension().is_none_or(|extension| extension != "toml") {
        return Err(usage(format!(
            "expected the folder of a run, a folder with runs in it, or the config file of a sweep, found the file {}",
            path.display()
        )));
    }
    let by_name = Path::new(RUNS).join(path.file_stem().unwrap_or_default());
    let is_kept = path.file_name().is_some_and(|name| name == STUDY);
    let folders = [is_kept.then(|| folder_of(path)), Some(by_name.as_path())];
    let found = folders.into_iter().flatten().map(runs_in).find(|runs| !runs.is_empty());
    found.ok_or_else(|| {
        usage(format!(
            "expected the runs of {} in {}, found none; train them first, or name the folder in which they are",
            path.display(),
            by_name.display()
        ))
    })
}

/// A run once its config was checked. Defaults that an older version left out are filled in where the registry has the
/// names of its config.
fn record(
    run: RunFolder,
    threshold: f64,
    lineage: &mut Lineage<'_>,
    registry: &Registry,
) -> Result<RunRecord, LeftOut> {
    let location = Location { run, step: None };
    check_to_show(&location, &[], registry).map_err(|error| unreadable(&error, registry))?;
    let text = location.run.config().map_err(|error| unreadable(&error.into(), registry))?;
    let config = filled_in(&text, &mut lineage.reader).or_else(|| text.parse().ok());
    let text = config.map_or(text, |config| lineage.with_parents(config).to_string());
    RunRecord::read(&location.run, &text, threshold)
}

fn unreadable(error: &anyhow::Error, registry: &Registry) -> LeftOut {
    LeftOut::Unreadable { problem: sentence(error, registry) }
}
