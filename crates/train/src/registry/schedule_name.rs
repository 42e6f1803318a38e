//! The name of a schedule, which stands under `kind`, and a setting that one had once.

use std::borrow::Cow;

use toml::{Table, Value};

use super::assignment::value_of;
use super::choices::SCHEDULE;
use crate::config::{CONSTANT, KIND};
use crate::error::TrainError;

/// Writes `schedule = "linear"` and `schedule.name = "linear"` in a config as `schedule.kind = "linear"`.
pub(super) fn one_form(config: &mut Table) -> Result<(), TrainError> {
    match config.get_mut(SCHEDULE) {
        Some(schedule @ Value::String(_)) => {
            let name = schedule.clone();
            *schedule = Value::Table(Table::from_iter([(KIND.to_owned(), name)]));
        }
        Some(Value::Table(schedule)) => {
            let Some(name) = schedule.remove("name") else { return Ok(()) };
            if let Some(kind) = schedule.insert(KIND.to_owned(), name.clone()).filter(|kind| *kind != name) {
                let what =
                    format!("schedule.kind is {kind}, but schedule.name is {name}; leave one of them out");
                return Err(TrainError::Config(what));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Removes a setting that `constant` had in earlier versions, without effect, and that they wrote into every config.
pub(super) fn take_former_setting(config: &mut Table) {
    if let Some(Value::Table(schedule)) = config.get_mut(SCHEDULE)
        && schedule.get(KIND).or(schedule.get("name")).and_then(Value::as_str) == Some(CONSTANT)
    {
        schedule.remove(FORMER_SETTING);
    }
}

/// The same in a file of a user, where it is what those versions wrote: any other value was meant to have an effect.
pub(super) fn take_former_default(config: &mut Table) {
    let value = config.get(SCHEDULE).and_then(|schedule| schedule.get(FORMER_SETTING));
    if value.is_some_and(|value| value.as_float() == Some(0.0) || value.as_integer() == Some(0)) {
        take_former_setting(config);
    }
}

const FORMER_SETTING: &str = "final_factor";

/// The same for a setting of the form `key=value`.
pub(super) fn setting_of_kind(setting: &str) -> Cow<'_, str> {
    match setting.split_once('=') {
        Some((path, value)) if is_name(path.trim(), value) => format!("{SCHEDULE}.{KIND}={value}").into(),
        _ => setting.into(),
    }
}

/// Under `schedule` a whole table may stand, too, and any other value is refused for that key.
fn is_name(path: &str, value: &str) -> bool {
    path == "schedule.name" || (path == SCHEDULE && value_of(value).is_str())
}
