//! The name of a choice in a config: where it stands, and how it is put there.

use toml::{Table, Value};

use super::schedule_name::SCHEDULE;
use crate::config::KIND;
use crate::error::{SettingFault, TrainError};

/// The table `[table]` with nothing but a name in it.
pub(super) fn named(table: &str, name: &str) -> Table {
    Table::from_iter([(table.to_owned(), Value::Table(Table::from_iter([("name".to_owned(), name.into())])))])
}

/// The name of a task, a model, an optimizer or a schedule, which stands alone, `task = "reverse"`, or in a table with
/// its settings.
pub(super) fn name_of<'a>(config: &'a Table, choice: &str) -> Result<Option<&'a str>, TrainError> {
    let (key, name) = match config.get(choice) {
        Some(Value::Table(table)) => {
            let key = if choice == SCHEDULE { KIND } else { "name" };
            (format!("{choice}.{key}"), table.get(key))
        }
        name => (choice.to_owned(), name),
    };
    match name {
        None => Ok(None),
        Some(Value::String(name)) => Ok(Some(name)),
        Some(found) => Err(SettingFault::NotAName { key, found: found.to_string() }.into()),
    }
}

/// Puts a name into the table `table`, under `key`, and leaves there what `keeps` is true for.
pub(super) fn put_name(
    config: &mut Table,
    [table, key]: [&str; 2],
    name: &str,
    mut keeps: impl FnMut(&str, &Value) -> bool,
) {
    let entry = config.entry(table).or_insert_with(|| Value::Table(Table::new()));
    if !entry.is_table() {
        *entry = Value::Table(Table::new());
    }
    let table = entry.as_table_mut().expect("made a table just above");
    table.retain(|key, value| keeps(key, value));
    table.insert(key.to_owned(), name.into());
}
