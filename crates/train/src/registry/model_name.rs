//! What becomes of the model settings of a task where another kind of model takes the place of its own.

use qkv_model::Choice;
use serde_json::{Map, Value as Json};
use toml::Table;

use super::Registry;
use super::name::{name_of, put_name};
use crate::error::TrainError;

const MODEL: &str = "model";

/// Gives the defaults of a task the model that `given` names, if it names one. Where that is another, the settings that
/// it has as well stay, and the others go. Returns those of them, as `key = value`, that the task has not as the model
/// before had them by itself.
pub(super) fn rename_model(
    registry: &Registry,
    defaults: &mut Table,
    given: &Table,
) -> Result<Vec<String>, TrainError> {
    let Some(new) = name_of(given, MODEL)? else { return Ok(Vec::new()) };
    let old = name_of(defaults, MODEL)?.unwrap_or_default().to_owned();
    let by_itself = registry.models.read(&Choice::new(&old)).map(|ready| ready.choice.settings);
    let by_itself = by_itself.unwrap_or_default();
    let mut left_out = Vec::new();
    put_name(defaults, [MODEL, "name"], new, |key, value| {
        let json = serde_json::to_value(value).unwrap_or_default();
        let stays = old == new || has(registry, new, key, &json);
        if !stays && key != "name" && by_itself.get(key) != Some(&json) {
            left_out.push(format!("{key} = {value}"));
        }
        stays
    });
    Ok(left_out)
}

/// Whether the model of this name has a setting `key` that can have this value. One that the registry lacks is refused
/// later.
fn has(registry: &Registry, model: &str, key: &str, value: &Json) -> bool {
    let settings = Map::from_iter([(key.to_owned(), value.clone())]);
    let ready = registry.models.read(&Choice { name: model.to_owned(), settings });
    ready.is_ok_and(|ready| ready.keys.iter().any(|known| known == key))
}
