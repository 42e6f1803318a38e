//! The name of a schedule, which stands under `kind`, and a setting that one had once.

use toml::{Table, Value};

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
        Some(Value::Table(schedule)) => kind_for_name(schedule)?,
        _ => {}
    }
    Ok(())
}

/// The same for a setting, of which these are the keys and the value.
pub(super) fn one_form_of_setting(keys: &mut Vec<&str>, value: &mut Value) -> Result<(), TrainError> {
    match value {
        Value::Table(schedule) if *keys == [SCHEDULE] => kind_for_name(schedule)?,
        value if *keys == [SCHEDULE, "name"] || (*keys == [SCHEDULE] && value.is_str()) => {
            *keys = vec![SCHEDULE, KIND];
        }
        _ => {}
    }
    Ok(())
}

fn kind_for_name(schedule: &mut Table) -> Result<(), TrainError> {
    let Some(name) = schedule.remove("name") else { return Ok(()) };
    match schedule.insert(KIND.to_owned(), name.clone()).filter(|kind| *kind != name) {
        None => Ok(()),
        Some(kind) => Err(TrainError::Config(format!(
            "schedule.kind is {kind}, but schedule.name is {name}; leave one of them out"
        ))),
    }
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
