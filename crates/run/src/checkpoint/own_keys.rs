//! What a `config.json` has beside the config of its run. It is read and counted in one pass, and nothing else is built.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::bounds;
use crate::json_values::{Count, Value};

/// Bytes of `"",`.
const SHORTEST_LABEL: usize = 3;

/// The keys of the program that wrote the file.
#[derive(Debug, Default)]
pub(super) struct OwnKeys {
    pub format: Option<Scalar>,
    pub version: Option<Scalar>,
    pub commit: Option<Scalar>,
    pub step: Option<Scalar>,
    /// Label of each token.
    pub vocabulary: Vec<String>,
    /// Values of the file that are no labels.
    pub n_settings: usize,
}

/// A value of one of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Text(String),
    Whole(u64),
    /// Neither of them.
    Other,
}

/// Why it is not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    TooManyValues,
    NoObject(String),
}

impl OwnKeys {
    pub fn read(json: &[u8]) -> Result<Self, Unread> {
        // A list that grows on its way takes twice the memory.
        let most_labels = (json.len() / SHORTEST_LABEL).min(bounds::DESCRIPTION_VALUES);
        let mut own = Self { vocabulary: Vec::with_capacity(most_labels), ..Self::default() };
        let mut count = Count::up_to(bounds::DESCRIPTION_VALUES);
        let mut reader = serde_json::Deserializer::from_slice(json);
        let read = reader.deserialize_map(Keys { own: &mut own, count: &mut count });
        let read = read.and_then(|()| reader.end());
        if count.is_over {
            return Err(Unread::TooManyValues);
        }
        read.map_err(|error| Unread::NoObject(error.to_string()))?;
        own.n_settings = bounds::DESCRIPTION_VALUES - count.left() - own.vocabulary.len();
        Ok(own)
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyValues => write!(f, "it has more than {} values", bounds::DESCRIPTION_VALUES),
            Self::NoObject(what) => write!(f, "expected a JSON object, {what}"),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Other => f.write_str("neither a text nor a whole number"),
        }
    }
}

/// The object of the whole file.
struct Keys<'a> {
    own: &'a mut OwnKeys,
    count: &'a mut Count,
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the config of a checkpoint")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { own, count } = self;
        while let Some(key) = map.next_key::<String>()? {
            let place = match key.as_str() {
                "format" => &mut own.format,
                "version" => &mut own.version,
                "commit" => &mut own.commit,
                "step" => &mut own.step,
                "vocabulary" => {
                    map.next_value_seed(Labels { labels: &mut own.vocabulary, count })?;
                    continue;
                }
                _ => {
                    map.next_value_seed(Value { count, watched: None, is_watched: false })?;
                    continue;
                }
            };
            *place = Some(map.next_value_seed(OneValue(count))?);
        }
        count.one()
    }
}

/// The texts in an array; what else stands there is counted alone.
struct Labels<'a> {
    labels: &'a mut Vec<String>,
    count: &'a mut Count,
}

impl<'de> DeserializeSeed<'de> for Labels<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Labels<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the labels of tokens in an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.labels.clear();
        while let Some(label) = seq.next_element_seed(OneValue(self.count))? {
            if let Scalar::Text(label) = label {
                self.labels.push(label);
            }
        }
        self.count.one()
    }
}

struct OneValue<'a>(&'a mut Count);

impl<'de> DeserializeSeed<'de> for OneValue<'_> {
    type Value = Scalar;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Scalar, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneValue<'_> {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Scalar, E> {
        self.0.one().map(|()| Scalar::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Scalar, E> {
        self.0.one().map(|()| Scalar::Other)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
        self.0.one().map(|()| Scalar::Whole(number))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Scalar, E> {
        self.0.one().map(|()| Scalar::Other)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        self.0.one().map(|()| Scalar::Text(text.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
        self.0.one().map(|()| Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Scalar, A::Error> {
        Value { count: self.0, watched: None, is_watched: false }.visit_seq(seq).map(|()| Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar, A::Error> {
        Value { count: self.0, watched: None, is_watched: false }.visit_map(map).map(|()| Scalar::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once_and_the_keys_of_the_program_are_kept() {
        let json = br#"{"a":[1,{"b":null}],"format":"x","step":7,"version":[2],"vocabulary":["p","q",3]}"#;
        let own = OwnKeys::read(json).expect("an object");
        assert_eq!((own.format, own.step), (Some(Scalar::Text("x".to_owned())), Some(Scalar::Whole(7))));
        assert_eq!((own.version, own.commit), (Some(Scalar::Other), None));
        assert_eq!(own.vocabulary, ["p", "q"]);
        // Of `a` four, the format, the step, two of the version, a number and the array of labels, and the object.
        assert_eq!(own.n_settings, 11);
        assert!(Count::is_within(json, 13) && !Count::is_within(json, 12));
    }

    #[test]
    fn what_is_no_object_is_refused_where_that_shows() {
        for text in
            ["[".repeat(1 << 20), "{\"a\":".repeat(1 << 18), String::new(), "{}{".to_owned(), "7".to_owned()]
        {
            assert!(matches!(OwnKeys::read(text.as_bytes()), Err(Unread::NoObject(_))));
        }
        let many = format!("{{\"a\":[{}0]}}", "0,".repeat(bounds::DESCRIPTION_VALUES));
        assert_eq!(OwnKeys::read(many.as_bytes()).err(), Some(Unread::TooManyValues));
    }
}
