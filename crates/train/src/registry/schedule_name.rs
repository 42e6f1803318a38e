//! The name of a schedule, which stands under `kind`, and what becomes of its settings where another one takes its
//! place.

use std::borrow::Cow;

use qkv_model::Choice;
use toml::{Table, Value};

use super::Registry;
use super::name::{name_of, put_name};
use crate::config::{CONSTANT, COSINE, KIND};
use crate::error::TrainError;

pub(super) const SCHEDULE: &str = "schedule";

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

/// A whole table may stand under `schedule`.
fn is_name(path: &str, value: &str) -> bool {
    path == "schedule.name" || (path == SCHEDULE && !value.trim_start().starts_with(['{', '[']))
}

/// Gives `base` the schedule that `over` names, if it names one. Where that is another, the settings that it has not
/// go; the others, such as the steps of the warm-up, stay.
pub(super) fn rename_schedule(registry: &Registry, base: &mut Table, over: &Table) -> Result<(), TrainError> {
    let Some(new) = name_of(over, SCHEDULE)? else { return Ok(()) };
    let old = name_of(base, SCHEDULE)?.unwrap_or(COSINE).to_owned();
    let keys = |name: &str| registry.parts.schedules.read(&Choice::new(name)).map(|ready| ready.keys);
    let (of_old, of_new) = (keys(&old), keys(new));
    let has = |keys: &[String], key: &str| keys.iter().any(|known| known == key);
    put_name(base, [SCHEDULE, KIND], new, |key, _| match (&of_old, &of_new) {
        _ if old == new => true,
        (_, Ok(of_new)) if has(of_new, key) => true,
        // What no schedule of the old name has is refused later.
        (Ok(of_old), _) => !has(of_old, key),
        // What one has that the registry lacks is not known.
        (Err(_), _) => false,
    });
    Ok(())
}
