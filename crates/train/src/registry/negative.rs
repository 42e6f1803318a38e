//! The answer to a number below 0 where none can stand: that to 0, where 0 is refused, too.

use qkv_model::ModelError;
use toml::{Table, Value};

use crate::error::TrainError;

/// `error` if it is of another kind, or 0 can stand there; `read` has what is wrong with a config.
pub(super) fn as_of_zero(
    error: TrainError,
    mut config: Table,
    read: impl FnOnce(Table) -> Option<TrainError>,
) -> TrainError {
    let TrainError::Model(ModelError::WrongValue(wrong)) = &error else { return error };
    let is_negative = wrong.found.parse::<i64>().is_ok_and(|number| number < 0);
    let Some(value) = value_at(&mut config, &wrong.key).filter(|_| is_negative) else { return error };
    *value = Value::Integer(0);
    let Some(of_zero) = read(config) else { return error };
    with_found(of_zero, &wrong.key, &wrong.found).unwrap_or(error)
}

fn value_at<'a>(table: &'a mut Table, path: &str) -> Option<&'a mut Value> {
    match path.split_once('.') {
        None => table.get_mut(path),
        Some((key, rest)) => value_at(table.get_mut(key)?.as_table_mut()?, rest),
    }
}

/// The error about the range of the number at `path` with another number in it; `None` if it is about anything else.
fn with_found(error: TrainError, path: &str, found: &str) -> Option<TrainError> {
    let got = found.to_owned();
    match error {
        TrainError::OutOfRange { key, expected, .. } if key == path => {
            Some(TrainError::OutOfRange { key, expected, got })
        }
        TrainError::ModelSetting { table, error: ModelError::OutOfRange { name, expected, .. } }
            if path == format!("{table}.{name}") =>
        {
            Some(TrainError::ModelSetting { table, error: ModelError::OutOfRange { name, expected, got } })
        }
        _ => None,
    }
}
