//! A value of a wrong type in a config, in plain words: what must stand there, what does, and what to type.

use std::fmt::{self, Display, Formatter};

use serde::de::DeserializeOwned;
use serde::{Deserializer, de::Error};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::example::example;
use super::toml_text::as_toml;

/// A value of a wrong type.
///
/// ```
/// use qkv_model::{Choice, TransformerConfig};
///
/// let wide = Choice::new("transformer").with("d_model", "wide");
/// let error = wide.read::<TransformerConfig>("model").unwrap_err();
/// let message = r#"model.d_model must be a whole number of at least 0, got "wide"; write model.d_model=1"#;
/// assert_eq!(error.to_string(), message);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongValue {
    /// Dotted path of the key.
    pub key: String,
    /// What must stand there, such as `a number`.
    pub expected: String,
    /// What does, as in a config file.
    pub found: String,
    /// An assignment that can stand there, such as `model.d_model=32`.
    pub write: Option<String>,
}

impl WrongValue {
    /// The same with its key below a table.
    #[must_use]
    pub fn below(self, table: &str) -> Self {
        let below = |key: &str| format!("{table}.{key}");
        Self { key: below(&self.key), write: self.write.as_deref().map(below), ..self }
    }
}

impl Display for WrongValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { key, expected, found, write } = self;
        write!(f, "{key} must be {expected}, got {found}")?;
        write.as_ref().map_or(Ok(()), |write| write!(f, "; write {write}"))
    }
}

/// Why settings could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// A value has a wrong type.
    Value(WrongValue),
    /// A key is unknown or missing.
    Key {
        /// Dotted path of the key, or of the table that lacks it.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads settings that stand under the key `under`, or at the top where that is empty. `found` are the same as JSON, and
/// `default` what can stand in their place, for the message.
///
/// # Errors
/// If a value has a wrong type, or a key is unknown or missing.
pub fn read_settings<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    settings: D,
    under: &str,
    found: &Value,
    default: impl FnOnce() -> Option<Value>,
) -> Result<T, Unreadable> {
    serde_path_to_error::deserialize(settings).map_err(|error| {
        let path = error.path();
        let key = match (under, &*path.to_string()) {
            ("", path) => path.to_owned(),
            (under, ".") => under.to_owned(),
            (under, path) => format!("{under}.{path}"),
        };
        let message = error.inner().to_string();
        // After the first line, TOML has the place.
        let message = message.lines().next().unwrap_or_default();
        let Some((expected, of_message)) = expected(message) else {
            return Unreadable::Key { key, reason: message.to_owned() };
        };
        let found = at(found, path);
        let default = default();
        let example = example(&expected, found, default.as_ref().and_then(|default| at(default, path)));
        // A number that is not finite is null in JSON.
        let found = found.filter(|found| !found.is_null()).map_or(of_message, as_toml);
        let write = example.map(|example| match key.split_once('[') {
            None => format!("{key}={example}"),
            Some((list, _)) => format!("{list}=[{example}]"),
        });
        Unreadable::Value(WrongValue { key, expected, found: shortened(&found), write })
    })
}

/// What must stand in the place of a value, and what does, by a message of serde; `None` if it is of something else.
fn expected(message: &str) -> Option<(String, String)> {
    let (what, expected) = message.split_once(", expected ")?;
    let found = match what.split_once(": ") {
        Some(("invalid type" | "invalid value", found)) => found,
        _ => ["unknown variant ", "invalid length "].iter().find_map(|begin| what.strip_prefix(begin))?,
    };
    let kinds = ["string ", "integer ", "floating point ", "boolean ", "character "];
    let found = kinds.iter().find_map(|kind| found.strip_prefix(kind)).unwrap_or(found);
    Some((in_plain_words(expected), found.trim_matches('`').to_owned()))
}

/// What serde expects, without the names of Rust's types.
fn in_plain_words(expected: &str) -> String {
    let of_count = ["an array of length ", "a tuple of size ", "tuple of "];
    if let Some(n) = of_count.iter().find_map(|begin| expected.strip_prefix(begin)) {
        return format!("a list of {} values", n.split(' ').next().unwrap_or(n));
    }
    let words = match expected {
        "usize" | "u64" => "a whole number of at least 0",
        "u8" => "a whole number between 0 and 255",
        "u16" => "a whole number between 0 and 65535",
        "u32" => "a whole number between 0 and 4294967295",
        "i8" => "a whole number between -128 and 127",
        "i16" => "a whole number between -32768 and 32767",
        "i32" => "a whole number between -2147483648 and 2147483647",
        "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" => "a text in quotes",
        "string or map" => "a name in quotes",
        "a character" => "a character in quotes",
        "a sequence" => "a list",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other if other.starts_with("a nonzero ") => "a whole number of at least 1",
        other => other,
    };
    words.to_owned()
}

/// The value at a path.
fn at<'a>(value: &'a Value, path: &Path) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, segment| match segment {
        Segment::Seq { index } => value.get(index),
        Segment::Map { key } => value.get(key),
        Segment::Enum { .. } | Segment::Unknown => None,
    })
}

/// As much of a value as shows which one it is.
fn shortened(value: &str) -> String {
    const LONGEST: usize = 80;
    match value.char_indices().nth(LONGEST) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", &value[..end]),
    }
}

/// Refuses a value that is no name, and no table with one.
pub(super) fn not_a_name<E: Error>(found: &Value) -> E {
    let found = as_toml(found);
    E::invalid_type(serde::de::Unexpected::Other(&found), &"a name in quotes, or a table with one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroUsize;

    use crate::parts::toml_text::DATE;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Mine {
        n: usize,
        heads: NonZeroUsize,
        small: u8,
        low: i8,
        shift: i64,
        share: f64,
        is_on: bool,
        shares: Vec<f64>,
        names: Vec<String>,
        pair: [usize; 2],
        open: Option<usize>,
        inner: Inner,
        variant: Variant,
    }

    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        depth: f64,
    }

    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Variant {
        #[default]
        First,
        Second,
    }

    impl Default for Mine {
        fn default() -> Self {
            Self {
                n: 7,
                heads: NonZeroUsize::MIN,
                small: 1,
                low: -3,
                shift: -2,
                share: 0.25,
                is_on: false,
                shares: vec![0.125],
                names: vec!["first".to_owned()],
                pair: [3, 4],
                open: None,
                inner: Inner { depth: 0.5 },
                variant: Variant::First,
            }
        }
    }

    #[test]
    fn every_wrong_type_is_answered_with_what_was_expected_what_was_found_and_what_to_type() {
        for (settings, message) in [
            (json!({"n": [1]}), "n must be a whole number of at least 0, got [1]; write n=7"),
            (json!({"n": 1e3}), "n must be a whole number of at least 0, got 1000.0; write n=1000"),
            (json!({"n": 1e300}), "n must be a whole number of at least 0, got 1e+300; write n=7"),
            (
                json!({"n": {DATE: "1979-05-27"}}),
                "n must be a whole number of at least 0, got 1979-05-27; write n=7",
            ),
            (
                json!({"names": "[one, two-2]"}),
                "names must be a list, got \"[one, two-2]\"; write names=[\"one\", \"two-2\"]",
            ),
            (
                json!({"names": "[{name=one}]"}),
                "names must be a list, got \"[{name=one}]\"; write names=[\"first\"]",
            ),
            (json!({"small": 256}), "small must be a whole number between 0 and 255, got 256; write small=1"),
            (json!({"low": 128}), "low must be a whole number between -128 and 127, got 128; write low=-3"),
            (json!({"heads": 0}), "heads must be a whole number of at least 1, got 0; write heads=1"),
            (json!({"heads": 2.0}), "heads must be a whole number of at least 1, got 2.0; write heads=2"),
            (json!({"shift": true}), "shift must be a whole number, got true; write shift=-2"),
            (json!({"share": "half"}), "share must be a number, got \"half\"; write share=0.25"),
            (json!({"is_on": 1}), "is_on must be true or false, got 1; write is_on=false"),
            (json!({"shares": 0.5}), "shares must be a list, got 0.5; write shares=[0.5]"),
            (json!({"shares": "half"}), "shares must be a list, got \"half\"; write shares=[0.125]"),
            (json!({"pair": 5}), "pair must be a list of 2 values, got 5; write pair=[3, 4]"),
            (json!({"pair": [1]}), "pair must be a list of 2 values, got [1]; write pair=[3, 4]"),
            (json!({"open": "x"}), "open must be a whole number of at least 0, got \"x\"; write open=1"),
            (
                json!({"inner": {"depth": "x"}}),
                "inner.depth must be a number, got \"x\"; write inner.depth=0.5",
            ),
            (
                json!({"variant": "third"}),
                "variant must be `first` or `second`, got \"third\"; write variant=\"first\"",
            ),
        ] {
            let default = || serde_json::to_value(Mine::default()).ok();
            let read = read_settings::<Mine, _>(settings.clone(), "", &settings, default);
            let Err(Unreadable::Value(wrong)) = read else { panic!("{settings}: {read:?}") };
            assert_eq!(
                wrong.below("mine").to_string(),
                format!("mine.{}", message.replace("write ", "write mine."))
            );
        }
    }

    #[test]
    fn a_long_value_is_cut() {
        let long = json!({"n": "x".repeat(1000)});
        let read = read_settings::<Mine, _>(long.clone(), "mine", &long, || None);
        let Err(Unreadable::Value(wrong)) = read else { panic!("{read:?}") };
        assert_eq!(wrong.found.chars().count(), 81);
    }

    #[test]
    fn an_unknown_key_is_no_wrong_value() {
        let settings = json!({"nn": 1});
        let read = read_settings::<Mine, _>(settings.clone(), "mine", &settings, || None);
        let Err(Unreadable::Key { key, reason }) = read else { panic!("{read:?}") };
        assert_eq!(key, "mine.nn");
        assert!(reason.starts_with("unknown field `nn`, expected one of `n`, "), "{reason}");
    }
}
