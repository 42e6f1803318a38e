//! What becomes of the settings of an optimizer where another one takes its place.

use qkv_model::Choice;
use toml::Table;

use super::Registry;
use super::name::{name_of, put_name};
use crate::config::{ADAM_W, COMMON_SETTINGS};
use crate::error::TrainError;

const OPTIMIZER: &str = "optimizer";

/// Gives `base` the optimizer that `over` names, if it names one. Where that is another, the settings of the former go;
/// the rate and the clipping, which all have in common, stay.
pub(super) fn rename(registry: &Registry, base: &mut Table, over: &Table) -> Result<(), TrainError> {
    let Some(new) = name_of(over, OPTIMIZER)? else { return Ok(()) };
    let old = name_of(base, OPTIMIZER)?.unwrap_or(ADAM_W).to_owned();
    let keys = registry.parts.optimizers.read(&Choice::new(&old)).map(|ready| ready.keys);
    put_name(base, [OPTIMIZER, "name"], new, |key, _| match &keys {
        _ if old == new => true,
        // What the old one does not have is refused later, or belongs to the new one.
        Ok(keys) => !keys.iter().any(|known| known == key),
        Err(_) => COMMON_SETTINGS.contains(&key),
    });
    Ok(())
}
