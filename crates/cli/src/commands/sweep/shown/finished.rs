//! A run that is done already: its results are shown again.

use std::path::Path;

use anyhow::{Context, Error, Result};
use qkv_run::{Event, RunError, RunFolder};
use qkv_train::Registry;

use super::super::end::{Cause, Failure};
use super::super::study::runs::Run;
use super::results::Results;
use crate::exit;
use crate::session::plan::Plan;

/// Shows the results, and takes over what was set for the run since.
pub fn show(run: Run, registry: &Registry, results: &mut Results) -> Result<()> {
    let Run { name, folder, experiment } = run;
    let plan = Plan::go_on(&folder, None, registry, || Ok(experiment));
    if let Err(error) = &plan
        && let Some(end) = end_of_busy(&folder, error)
    {
        return results.show(&name, &end);
    }
    let failure = match plan.with_context(|| name.labels.join(" ")) {
        Ok(plan) => match plan.ended() {
            Some((_, end)) => return results.show(&name, end),
            None => lost(),
        },
        Err(error) => Failure::of_code(exit::report(&error, registry).into()),
    };
    results.fail(&name, failure);
    Ok(())
}

/// The results of a run that could not be locked: another process of the study shows them at this moment, too, and takes
/// over the same settings.
fn end_of_busy(folder: &Path, error: &Error) -> Option<Event> {
    let is_busy = matches!(exit::run_error(error), Some(RunError::Busy { .. }));
    if is_busy { RunFolder::open(folder).ok()?.done().ok()? } else { None }
}

/// It was done a moment ago.
fn lost() -> Failure {
    Failure::new(Cause::Machine, "its last checkpoint was lost since this command began")
}
