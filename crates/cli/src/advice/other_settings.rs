//! What to do with a run whose settings are not those that it was started with.

use std::path::Path;

use qkv_run::{Checkpoint, Difference, RunFolder};
use qkv_train::{ConfigSource, Experiment, Registry};

use super::branch;
use super::free_folder::free_folder;
use crate::output::text::shell;

pub fn advice(run: &Path, differences: &[Difference], registry: &Registry) -> String {
    let put_back = "a run keeps them: put them back";
    match command(run, differences, registry) {
        Some(command) => format!("{put_back}, or give the other values to a run of their own: {command}"),
        None => put_back.to_owned(),
    }
}

/// The command that gives the values of now to another run, from the latest checkpoint that leaves it something to
/// train: with its state, or where the optimizer of now remembers something else, with its weights alone. None where the
/// weights might not fit, those of another task or model, or where the values are refused.
fn command(folder: &Path, differences: &[Difference], registry: &Registry) -> Option<String> {
    let fits = |key: &str| {
        key == "seed" || ["optimizer.", "schedule.", "train."].iter().any(|table| key.starts_with(table))
    };
    let setting = |difference: &Difference| {
        let now = difference.now.as_ref().filter(|_| fits(&difference.key))?;
        Some(format!("{}={now}", difference.key))
    };
    // What the optimizer or the schedule of now does not have goes with the name of the old one.
    let has_gone = |difference: &&Difference| difference.now.is_none() && fits(&difference.key);
    let differences = differences.iter().filter(|difference| !has_gone(difference));
    let settings: Vec<String> = differences.map(setting).collect::<Option<_>>()?;
    let run = RunFolder::open(folder).ok()?;
    let new = free_folder(folder, "")?;
    let now = registry.read(ConfigSource::Run(&run.config().ok()?), &settings).ok()?;
    let all = run.checkpoints().ok()?;
    let from = all.iter().rev().find(|from| from.step < now.config.train.steps && from.read().is_ok())?;
    if remembers_the_same(&now, from, registry)? {
        registry.read_branch(&run, Some(from.step), &settings).ok()?;
        let step = from.step.to_string();
        let mut options = Vec::new();
        if all.last() != Some(from) {
            options.extend(["--from", &step]);
        }
        options.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        return Some(branch(folder, &new, &options));
    }
    // The config of a run that began from another is not that of a new one.
    if now.config.parent.is_some() {
        return None;
    }
    let [config, weights, new] = [&run.config_file(), &from.folder, &new].map(|path| shell::path(path));
    let mut arguments = vec!["train", &config, "--init-from", &weights, "--out", &new];
    arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    Some(shell::command(&arguments))
}

/// Whether the optimizer of `now` remembers what that of a checkpoint did; any does at its first step.
fn remembers_the_same(now: &Experiment, from: &Checkpoint, registry: &Registry) -> Option<bool> {
    if from.step == 0 {
        return Some(true);
    }
    let before = from.description().ok()?.config.to_string();
    let before = registry.read(ConfigSource::Run(&before), &[] as &[&str]).ok()?;
    Some(now.remembers_the_same_as(&before))
}
