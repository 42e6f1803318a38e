//! A run that is done already: its results are shown again.

use anyhow::{Context, Result};
use qkv_train::Registry;

use super::end::Failure;
use super::results::Results;
use super::runs::Run;
use crate::exit;
use crate::session::plan::Plan;

/// Shows the results, and takes over what was set for the run since.
pub fn show(run: Run, registry: &Registry, results: &mut Results) -> Result<()> {
    let Run { name, folder, experiment } = run;
    let plan = Plan::go_on(&folder, None, registry, || Ok(experiment));
    let failure = match plan.with_context(|| name.labels.join(" ")) {
        Ok(plan) => match plan.ended() {
            Some((_, end)) => return results.show(&name, end),
            None => lost(),
        },
        Err(error) => {
            let code = exit::report(&error, registry);
            Failure { code, how: format!("exit code {code}") }
        }
    };
    results.fail(&name, failure);
    Ok(())
}

/// It was done a moment ago.
fn lost() -> Failure {
    Failure { code: 1, how: "its last checkpoint was lost since this command began".to_owned() }
}
