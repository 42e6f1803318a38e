//! Settings of the form `key=value`, put into a config.

use toml::{Table, Value};

use super::choices::is_place;
use super::read::merge;
use super::replaced::{SettingsLeftOut, replace};
use super::schedule_name::{one_form, one_form_of_setting};
use crate::error::{SettingFault, TrainError};
use crate::registry::Registry;

/// Parts of a dotted key; the longest of ours has three.
const MAX_KEYS: usize = 16;

/// Puts `key=value` settings into a config, and [replaces](replace) what they name, in the config and in the settings
/// before. Returns what goes with the names of before.
pub(super) fn set_all(
    registry: &Registry,
    config: &mut Table,
    settings: &[impl AsRef<str>],
) -> Result<Vec<SettingsLeftOut>, TrainError> {
    one_form(config)?;
    let (mut over, mut left_out) = (Table::new(), Vec::new());
    for setting in settings {
        let assignment = Assignment::read(setting.as_ref())?;
        assignment.check_tables(config)?;
        assignment.check_tables(&over)?;
        let setting = assignment.into_table();
        // Where no name was set before, the settings are of this one.
        left_out.extend(replace(registry, &mut over, &setting, &setting)?);
        over = merge(over, setting);
    }
    let under = registry.with_defaults(config.clone());
    left_out.extend(replace(registry, config, &over, &under)?);
    *config = merge(std::mem::take(config), over);
    Ok(left_out)
}

/// One setting, `a.b.c=value`.
struct Assignment<'a> {
    /// Of each table on the way, and at last of the value; one or more.
    keys: Vec<&'a str>,
    value: Value,
}

impl<'a> Assignment<'a> {
    fn read(setting: &'a str) -> Result<Self, TrainError> {
        let not_an_assignment = || SettingFault::NotAnAssignment { found: setting.to_owned() };
        let (path, text) = setting.split_once('=').ok_or_else(not_an_assignment)?;
        let mut keys: Vec<&str> = path.trim().split('.').map(str::trim).collect();
        if keys.contains(&"") {
            return Err(not_an_assignment().into());
        }
        if keys.len() > MAX_KEYS {
            let (n, shown) = (keys.len(), path.chars().take(40).collect::<String>());
            return Err(TrainError::Config(format!(
                "`{shown}…` has {n} parts, a key has at most {MAX_KEYS}"
            )));
        }
        let mut value = value_of(text);
        let fault = beyond_toml(path.trim(), text.trim()).filter(|_| value.as_str() == Some(text.trim()));
        fault.map_or(Ok(()), Err)?;
        one_form_of_setting(&mut keys, &mut value)?;
        Ok(Self { keys, value })
    }

    /// Refuses a value in the place of a table on the way. A name alone is a table where something is named.
    fn check_tables(&self, mut table: &Table) -> Result<(), SettingFault> {
        for n_keys in 1..self.keys.len() {
            let key = || self.keys[..n_keys].join(".");
            table = match table.get(self.keys[n_keys - 1]) {
                Some(Value::Table(inner)) => inner,
                Some(Value::String(_)) if is_place(&key()) => return Ok(()),
                Some(found) => {
                    let (setting, key) = (self.keys.join("."), key());
                    return Err(SettingFault::BelowAValue { setting, key, found: found.to_string() });
                }
                None => return Ok(()),
            };
        }
        Ok(())
    }

    /// The table with nothing but this setting in it.
    fn into_table(self) -> Table {
        let in_table = |value, key: &str| Table::from_iter([(key.to_owned(), value)]);
        let (last, keys) = self.keys.split_last().expect("a setting has a key");
        keys.iter().rev().fold(in_table(self.value, last), |inner, key| in_table(Value::Table(inner), key))
    }
}

/// What stands behind the `=` of a setting: as in a file, so that a comment may follow; but names need no quotation
/// marks.
pub(super) fn value_of(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok();
    // A second line with a key in it belongs to no value.
    let parsed = parsed.filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
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
pub(in crate::registry) fn is_name(text: &str) -> bool {
    !text.is_empty() && value_of(text).as_str() == Some(text)
}
