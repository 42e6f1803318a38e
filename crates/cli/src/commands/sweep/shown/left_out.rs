//! The settings of a study that have no effect in some of its runs.

use std::collections::{BTreeMap, BTreeSet};

use qkv_inspect::counted;
use qkv_train::SettingsLeftOut;

use super::super::study::runs::Run;
use crate::output::stdout::{one_line, print_error};

/// Prints what is left out of runs, each once with their number; `of_all` is left out of every run.
pub fn show(runs: &[Run], of_all: &[SettingsLeftOut]) {
    let mut n_runs: BTreeMap<String, usize> = BTreeMap::new();
    for run in runs {
        let left_out = of_all.iter().chain(&run.experiment.left_out).map(ToString::to_string);
        for settings in left_out.collect::<BTreeSet<_>>() {
            *n_runs.entry(settings).or_default() += 1;
        }
    }
    let all = counted(runs.len() as u64, "run");
    for (settings, n) in n_runs {
        print_error(&one_line(&format!("left out {settings}, in {n} of {all}")));
    }
}
