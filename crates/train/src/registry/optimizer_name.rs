//! What becomes of the settings of an optimizer where another one takes its place.

use qkv_model::Choice;
use toml::{Table, Value};

use super::Registry;
use super::read::name_of;
use crate::config::{ADAM_W, COMMON_SETTINGS};
use crate::error::TrainError;

const OPTIMIZER: &str = "optimizer";

/// Gives `base` the optimizer that `over` names, if it names one. Where that is another, the settings of the former go;
/// the rate and the clipping, which all have in common, stay.
pub(super) fn rename(registry: &Registry, base: &mut Table, over: &Table) -> Result<(), TrainError> {
    let Some(new) = name_of(over, OPTIMIZER)? else { return Ok(()) };
    let old = name_of(base, OPTIMIZER)?.unwrap_or(ADAM_W).to_owned();
    let entry = base.entry(OPTIMIZER).or_insert_with(|| Value::Table(Table::new()));
    if !entry.is_table() {
        *entry = Value::Table(Table::new());
    }
    let table = entry.as_table_mut().expect("made a table just above");
    if old != new {
        match registry.parts.optimizers.read(&Choice::new(&old)) {
            // What the old one does not have is refused later, or belongs to the new one.
            Ok(ready) => table.retain(|key, _| !ready.keys.iter().any(|known| known == key)),
            Err(_) => table.retain(|key, _| COMMON_SETTINGS.contains(&key)),
        }
    }
    table.insert("name".to_owned(), new.into());
    Ok(())
}
