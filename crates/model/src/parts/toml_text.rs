//! A setting as it stands in a config file.

use serde_json::Value;

/// The key under which the crate `toml` hands on a date or a time.
pub(super) const DATE: &str = "$__toml_private_datetime";

/// A value as it stands in a config file, on one line.
pub(super) fn as_toml(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(as_toml).collect::<Vec<_>>().join(", ")),
        Value::Object(table) if table.len() == 1 && table.contains_key(DATE) => {
            table[DATE].as_str().unwrap_or_default().to_owned()
        }
        Value::Object(table) => {
            let settings = table.iter().filter(|(_, value)| !value.is_null());
            let settings: Vec<String> =
                settings.map(|(key, value)| format!("{key} = {}", as_toml(value))).collect();
            format!("{{ {} }}", settings.join(", "))
        }
        other => other.to_string(),
    }
}
