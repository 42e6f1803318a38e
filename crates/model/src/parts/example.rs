//! What to type in place of a value of a wrong type.

use serde_json::Value;

use super::toml_text::as_toml;

/// A value that can stand where `found` does: what was found as the one entry of a list; what stands there by default; or
/// the first that comes to mind.
pub(super) fn example(expected: &str, found: Option<&Value>, default: Option<&Value>) -> Option<String> {
    let default = default.filter(|default| !default.is_null());
    if let (true, Some(found)) = (expected == "a list", found.filter(|found| !found.is_array())) {
        let is_entry = |entry: &Value| std::mem::discriminant(entry) == std::mem::discriminant(found);
        let first = default.and_then(|default| default.get(0));
        let entries = entries(found);
        if first.is_none_or(is_entry)
            && let Some(entries) = entries
        {
            return Some(as_toml(&Value::Array(entries)));
        }
    }
    if let Some(whole) = found.and_then(Value::as_f64)
        && least(expected).is_some_and(|least| (least..EXACT).contains(&whole))
        && whole.fract() == 0.0
    {
        return Some(whole.to_string());
    }
    if let Some(default) = default {
        return Some(as_toml(default));
    }
    let name = |names: &str| Some(format!("\"{}\"", names.split('`').nth(1)?));
    match expected {
        "a number" => Some("0.5".to_owned()),
        "true or false" => Some("true".to_owned()),
        "a text in quotes" => Some("\"text\"".to_owned()),
        _ if expected.starts_with("a whole number") => Some("1".to_owned()),
        _ if expected.starts_with(['`', 'o']) => name(expected),
        _ => None,
    }
}

/// The least that is taken for what was meant where a whole number of any size is expected.
fn least(expected: &str) -> Option<f64> {
    match expected {
        "a whole number of at least 0" | "a whole number" => Some(0.0),
        "a whole number of at least 1" => Some(1.0),
        _ => None,
    }
}

/// 2^53, below which a number of double precision is one whole number and no other.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The entries of the list that was meant by one value; of a list of names without quotation marks, which is a text on
/// the command line, the names. `None` if what was meant does not show.
fn entries(found: &Value) -> Option<Vec<Value>> {
    let Some(names) = found.as_str().and_then(|text| text.trim().strip_prefix('[')) else {
        return Some(vec![found.clone()]);
    };
    let names = names.strip_suffix(']').unwrap_or(names).split(',').map(str::trim);
    let is_name = |name: &&str| name.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    let all = !names.is_empty() && names.iter().all(is_name);
    all.then(|| names.into_iter().map(Value::from).collect())
}
