//! What a config has under a key.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};

use qkv_run::{PROJECTIONS_KEY, flatten};
use serde::{Serialize, Serializer};
use toml::{Table, Value};

use crate::natural_order::NaturalKey;

/// The value of a key in a config, or that the config lacks the key. A number is the same whether it is written as `0`
/// or as `0.0`. In order, numbers come first, by size, then words, then what is not set.
#[derive(Debug, Clone)]
pub struct KeyValue(Option<Value>);

/// The end of the path under which a table has its name.
const NAME: &str = ".name";

impl KeyValue {
    /// What has settings of its own is a table, whose name is the value of its key: `model.positions` is `rope`. Of W_Q
    /// alone, `model.projections.w_q`, it is the word for all three where there is one.
    pub fn in_config(config: &Table, key: &str) -> Self {
        let mut settings = flatten(config);
        let found = settings.remove(key).or_else(|| settings.remove(&format!("{key}{NAME}")));
        let of_all = key.rsplit_once('.').map(|(table, _)| table).filter(|table| *table == PROJECTIONS_KEY);
        Self(found.or_else(|| settings.remove(of_all?)))
    }

    /// The key whose value is at this path.
    pub(crate) fn key(path: &str) -> &str {
        path.strip_suffix(NAME).unwrap_or(path)
    }

    /// Of a config that lacks the key.
    pub(crate) const NOT_SET: Self = Self(None);

    pub(crate) fn of(value: Value) -> Self {
        Self(Some(value))
    }

    fn number(&self) -> Option<f64> {
        let number = match self.0.as_ref()? {
            Value::Integer(whole) => *whole as f64,
            Value::Float(number) => *number,
            _ => return None,
        };
        // -0 is 0.
        Some(number + 0.0)
    }
}

impl Display for KeyValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("not set"),
            Some(Value::String(text)) => f.write_str(text),
            Some(Value::Float(number)) if number.fract() == 0.0 && number.abs() < 1e15 => {
                write!(f, "{:.0}", number + 0.0)
            }
            Some(Value::Float(number)) => write!(f, "{number:?}"),
            Some(other) => write!(f, "{other}"),
        }
    }
}

/// JSON has null for what is not set.
impl Serialize for KeyValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Ord for KeyValue {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.number(), other.number()) {
            // Whole numbers of 64 bits are not all numbers of double precision; their texts are.
            (Some(one), Some(other_number)) => {
                one.total_cmp(&other_number).then_with(|| self.to_string().cmp(&other.to_string()))
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => {
                let words = |value: &Self| (value.0.is_none(), NaturalKey::of(&value.to_string()));
                words(self).cmp(&words(other))
            }
        }
    }
}

impl PartialOrd for KeyValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for KeyValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for KeyValue {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_order_of_size_before_words_and_what_is_not_set_is_last() {
        let texts = ["10", "9.5", "-0.0", "1e-10", "\"rope\"", "\"10\"", "true", "[1, 2]"];
        let parsed =
            texts.map(|text| format!("x = {text}").parse::<toml::Table>().expect("TOML")["x"].clone());
        let mut values: Vec<KeyValue> =
            parsed.map(KeyValue::of).into_iter().chain([KeyValue::NOT_SET]).collect();
        values.sort();
        let json = serde_json::to_string(&values).expect("JSON");
        assert_eq!(json, "[-0.0,1e-10,9.5,10,\"10\",[1,2],\"rope\",true,null]");
        let words: Vec<String> = values.iter().map(KeyValue::to_string).collect();
        assert_eq!(words.join(" "), "0 1e-10 9.5 10 10 [1, 2] rope true not set");
        let number = |text: &str| KeyValue::of(text.parse().expect("TOML"));
        assert_eq!(number("10"), number("10.0"));
        assert_ne!(number("9007199254740993"), number("9007199254740992"));
        assert_ne!(number("1"), KeyValue::of("1".into()));
    }
}
