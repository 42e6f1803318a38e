//! The name of a choice in a config: where it stands.

use toml::{Table, Value};

use super::choices::{default_name, name_key};
use crate::error::{SettingFault, TrainError};

/// The table `[table]` with nothing but a name in it.
pub(super) fn named(table: &str, name: &str) -> Table {
    Table::from_iter([(table.to_owned(), Value::Table(Table::from_iter([("name".to_owned(), name.into())])))])
}

/// The name of a task, a model, an optimizer or a schedule, which stands alone, `task = "reverse"`, or in a table with
/// its settings.
pub(super) fn name_of<'a>(config: &'a Table, choice: &str) -> Result<Option<&'a str>, TrainError> {
    let (key, name, expected) = match config.get(choice) {
        Some(Value::Table(table)) => {
            let key = name_key(choice);
            (format!("{choice}.{key}"), table.get(key), "a name in quotes")
        }
        name => (choice.to_owned(), name, "a name in quotes, or a table with one"),
    };
    match name {
        None => Ok(None),
        Some(Value::String(name)) => Ok(Some(name)),
        Some(found) => {
            let example = default_name(choice).unwrap_or("reverse");
            Err(SettingFault::NotAName { key, expected, found: found.to_string(), example }.into())
        }
    }
}
