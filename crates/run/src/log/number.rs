//! Numbers in a line of the log: JSON has no NaN.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// What a log lacks.
pub(super) fn unknown() -> f64 {
    f64::NAN
}

/// NaN is written as `null`.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// The same for numbers by name.
pub(super) fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let numbers = BTreeMap::<String, Option<f64>>::deserialize(deserializer)?;
    Ok(numbers.into_iter().map(|(name, number)| (name, number.unwrap_or(f64::NAN))).collect())
}
