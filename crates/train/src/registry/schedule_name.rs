//! The name of a schedule, which stands under `kind`, and what becomes of its settings where another one takes its
//! place.

use std::borrow::Cow;

use qkv_model::Choice;
use toml::{Table, Value};

use super::Registry;
use super::read::name_of;
use crate::config::{COSINE, KIND};
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
    let entry = base.entry(SCHEDULE).or_insert_with(|| Value::Table(Table::new()));
    if !entry.is_table() {
        *entry = Value::Table(Table::new());
    }
    let table = entry.as_table_mut().expect("made a table just above");
    let keys = |name: &str| Some(registry.parts.schedules.read(&Choice::new(name)).ok()?.keys);
    // What no schedule of the old name has is refused later, or belongs to the new one.
    if let (Some(of_old), Some(of_new)) = (keys(&old), keys(new)) {
        table.retain(|key, _| {
            !of_old.iter().any(|known| known == key) || of_new.iter().any(|known| known == key)
        });
    }
    table.insert(KIND.to_owned(), new.into());
    Ok(())
}
