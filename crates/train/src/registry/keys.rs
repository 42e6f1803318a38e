//! The keys that a config can have, and the answer to one that it cannot.

use std::collections::BTreeSet;

use qkv_run::flatten;
use toml::Table;

use super::Registry;
use super::read::deserialize;
use crate::error::TrainError;

/// The dotted path of every key that a config of this task and this kind of model can have.
pub(super) fn known_keys(registry: &Registry, defaults: &Table) -> Result<BTreeSet<String>, TrainError> {
    let config = deserialize(defaults.clone())?;
    let task_keys = registry.tasks.read(&config.task)?.keys;
    let model_keys = registry.models.read(&config.model)?.keys;
    let loss_keys = registry.parts.losses.read(&config.loss)?.keys;
    let optimizer_keys = registry.parts.optimizers.read(&config.optimizer.rule)?.keys;
    let schedule_keys = registry.parts.schedules.read(&config.schedule.shape)?.keys;
    let of_task = task_keys.into_iter().map(|key| format!("task.{key}"));
    let of_model = model_keys.into_iter().map(|key| format!("model.{key}"));
    let of_loss = loss_keys.into_iter().map(|key| format!("loss.{key}"));
    let of_optimizer = optimizer_keys.into_iter().map(|key| format!("optimizer.{key}"));
    let of_schedule = schedule_keys.into_iter().map(|key| format!("schedule.{key}"));
    let of_parts = of_loss.chain(of_optimizer).chain(of_schedule);
    Ok(flatten(defaults).into_keys().chain(of_task).chain(of_model).chain(of_parts).collect())
}

/// Refuses a key that nothing reads, with the nearest that something does.
pub(super) fn check_keys(given: &Table, known: &BTreeSet<String>) -> Result<(), TrainError> {
    for (path, value) in flatten(given) {
        let below = known.iter().find(|known| known.starts_with(&format!("{path}.")));
        if let Some(key) =
            below.filter(|_| !known.contains(&path) && !known.contains(&format!("{path}.name")))
        {
            let what = format!("`{path}` must be a table with keys such as `{key}`, got {value}");
            return Err(TrainError::Config(what));
        }
        // Below a key whose known value is not a table (a score such as `{ name = "additive", d_hidden = 16 }`) serde
        // checks the shape; a choice may also be written by its name alone.
        let fits = |known: &String| {
            path == *known || path.starts_with(&format!("{known}.")) || *known == format!("{path}.name")
        };
        if !known.iter().any(fits) {
            return Err(TrainError::UnknownKey { nearest: nearest(&path, known), key: path });
        }
    }
    Ok(())
}

/// The known key that looks most like `path`, if one does: by whole path, or by its last part alone, because the most
/// frequent mistake is the wrong table.
fn nearest(path: &str, known: &BTreeSet<String>) -> Option<String> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
    let likeness = |known: &str| {
        let whole = strsim::normalized_damerau_levenshtein(path, known);
        whole.max(strsim::normalized_damerau_levenshtein(&last(path), &last(known)) - 0.05)
    };
    // Below one half, a suggestion confuses more than it helps.
    let best = known.iter().map(|known| (likeness(known), known)).filter(|(likeness, _)| *likeness >= 0.5);
    best.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known.clone())
}
