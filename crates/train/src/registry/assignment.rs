//! Settings of the form `key=value`, put into a config.

use toml::{Table, Value};

use super::Registry;
use super::choices::{MODEL, TABLES, TASK};
use super::edited::fill_in;
use super::name::{name_of, named};
use super::read::{Defaults, defaults};
use super::replaced::replace;
use super::schedule_name::{one_form, setting_of_kind};
use crate::error::{SettingFault, TrainError};

/// Parts of a dotted key; the longest of ours has three.
const MAX_KEYS: usize = 16;

/// Puts `key=value` settings into a config, and [replaces](replace) what they name. Returns what goes with the names of
/// before.
pub(super) fn set_all(
    registry: &Registry,
    config: &mut Table,
    settings: &[impl AsRef<str>],
) -> Result<Vec<String>, TrainError> {
    one_form(config)?;
    let settings: Vec<_> = settings.iter().map(|setting| setting_of_kind(setting.as_ref())).collect();
    let set_in = |table: &mut Table| settings.iter().try_for_each(|setting| set(table, setting));
    let mut over = Table::new();
    set_in(&mut over)?;
    one_form(&mut over)?;
    let under = match name_of(config, TASK)?.map(|task| defaults(registry, task, config)) {
        Some(Ok(Defaults { config: mut under, .. })) => {
            let model = name_of(&under, MODEL)?.and_then(|model| registry.by_itself(MODEL, model));
            fill_in(under.get_mut(MODEL), model);
            under
        }
        _ => Table::new(),
    };
    let left_out = replace(registry, config, &over, &under)?;
    set_in(config)?;
    one_form(config)?;
    Ok(left_out)
}

/// Puts the value of `a.b.c=value` into `table`, creating the tables on the way.
fn set(table: &mut Table, setting: &str) -> Result<(), TrainError> {
    let not_an_assignment = || SettingFault::NotAnAssignment { found: setting.to_owned() };
    let (path, text) = setting.split_once('=').ok_or_else(not_an_assignment)?;
    let mut keys: Vec<&str> = path.trim().split('.').map(str::trim).collect();
    let last =
        keys.pop().filter(|last| !last.is_empty() && !keys.contains(&"")).ok_or_else(not_an_assignment)?;
    if keys.len() >= MAX_KEYS {
        let (n, shown) = (keys.len() + 1, path.chars().take(40).collect::<String>());
        return Err(TrainError::Config(format!("`{shown}…` has {n} parts, a key has at most {MAX_KEYS}")));
    }
    let value = value_of(text);
    if value.as_str() == Some(text.trim()) {
        beyond_toml(path.trim(), text.trim()).map_or(Ok(()), |fault| Err(TrainError::from(fault)))?;
    }
    let is_named = TABLES.contains(keys.first().unwrap_or(&last));
    let mut table = table;
    for (depth, key) in keys.iter().enumerate() {
        let entry = table.entry(*key).or_insert_with(|| Value::Table(Table::new()));
        if let Value::String(name) = entry
            && is_named
        {
            *entry = named("choice", name)["choice"].clone();
        }
        table = match entry {
            Value::Table(table) => table,
            value => {
                let (key, setting) = (keys[..=depth].join("."), path.trim().to_owned());
                return Err(SettingFault::BelowAValue { setting, key, found: value.to_string() }.into());
            }
        };
    }
    match (table.get_mut(last), value) {
        // The name of a choice whose settings were set before it.
        (Some(Value::Table(settings)), name @ Value::String(_))
            if is_named && !settings.contains_key("name") =>
        {
            settings.insert("name".to_owned(), name);
        }
        // The name that is there.
        (Some(Value::Table(settings)), name @ Value::String(_)) if settings.get("name") == Some(&name) => {}
        (_, value) => {
            table.insert(last.to_owned(), value);
        }
    }
    Ok(())
}

/// What stands behind the `=` of a setting: as in a file, so that a comment may follow; but names need no quotation
/// marks.
pub(super) fn value_of(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    parsed.unwrap_or_else(|| Value::String(text.trim().to_owned()))
}

/// Refuses a number that is too large for TOML, and would be read as a name.
fn beyond_toml(key: &str, number: &str) -> Option<SettingFault> {
    let (key, found) = (key.to_owned(), number.to_owned());
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    match (digits.bytes().all(|digit| digit.is_ascii_digit()), number.parse::<f64>()) {
        (true, _) => number.parse::<i64>().is_err().then_some(SettingFault::TooLarge { key, found }),
        (false, Ok(infinite)) if infinite.is_infinite() => Some(SettingFault::NotFinite { key, found }),
        _ => None,
    }
}

/// Whether a setting of this text is this name, and no number, for example.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && value_of(text).as_str() == Some(text)
}
