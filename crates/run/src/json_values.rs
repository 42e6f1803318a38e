//! The values of a JSON text, counted before any of them is built: a few bytes of text can ask for a hundred times as
//! much memory.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What was counted so far.
#[derive(Debug)]
pub(crate) struct Count {
    /// How many more there may be.
    left: usize,
    /// Whether there are more.
    pub is_over: bool,
    /// The largest whole number below a key that [`Value`] watches.
    pub largest: u64,
}

impl Count {
    pub fn up_to(most: usize) -> Self {
        Self { left: most, is_over: false, largest: 0 }
    }

    /// Whether a text has no more than `most` values. What is no JSON is left to its reader.
    pub fn is_within(json: &[u8], most: usize) -> bool {
        let mut count = Self::up_to(most);
        let value = Value { count: &mut count, watched: None, is_watched: false };
        // An error is that of a text that is no JSON, or that of too many values.
        let _ = value.deserialize(&mut serde_json::Deserializer::from_slice(json));
        !count.is_over
    }

    /// How many more values there may be.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Counts a value.
    ///
    /// # Errors
    /// If there are too many.
    pub fn one<E: Error>(&mut self) -> Result<(), E> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.is_over = true;
                Err(E::custom("it has too many values"))
            }
        }
    }
}

/// Any value, of which nothing is kept.
pub(crate) struct Value<'a> {
    pub count: &'a mut Count,
    /// The key whose numbers are compared.
    pub watched: Option<&'a str>,
    /// Whether this is the value of that key.
    pub is_watched: bool,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.count.one()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.count.one()
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        if self.is_watched {
            self.count.largest = self.count.largest.max(number);
        }
        self.count.one()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.count.one()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.count.one()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.count.one()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Value { count: &mut *self.count, ..self })?.is_some() {}
        self.count.one()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some(watched) = self.watched else {
            while map.next_key::<IgnoredAny>()?.is_some() {
                map.next_value_seed(Value { count: &mut *self.count, ..self })?;
            }
            return self.count.one();
        };
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            let is_watched = key == watched;
            map.next_value_seed(Value { count: &mut *self.count, is_watched, ..self })?;
        }
        self.count.one()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once_and_no_text_is_refused_for_what_is_no_json() {
        for (json, n) in [("7", 1), ("[]", 1), ("[1, null, [true]]", 5), (r#"{"a": -1, "b": {"c": "d"}}"#, 4)]
        {
            assert!(
                Count::is_within(json.as_bytes(), n) && !Count::is_within(json.as_bytes(), n - 1),
                "{json}"
            );
        }
        assert!(Count::is_within(b"[1, 2", 2) && Count::is_within(b"a text", 0));
        assert!(!Count::is_within(b"[1, 2, 3", 2));
    }
}
