//! The header of a safetensors file before any tensor of it is built: how long it may be, and what may stand in it.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::bounds;
use crate::json_values::{Count, Value};

/// Letters of a name in a message.
const SHOWN: usize = 60;

/// The metadata of a file, which describe no tensor.
pub(crate) const METADATA: &str = "__metadata__";

/// The key of a tensor's first byte and the one after its last.
const PLACE: &str = "data_offsets";

/// Checks that the header of a safetensors file is bounded and has every name once, without building anything from it.
/// Whether it describes tensors and fits the file remains to be checked.
///
/// ```
/// use qkv_run::check_tensor_header;
///
/// let file = |header: &str| [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
/// let tensor = r#""w_q":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"#;
/// assert_eq!(check_tensor_header(&file(&format!("{{{tensor}}}"))), Ok(()));
/// let twice = check_tensor_header(&file(&format!("{{{tensor},{tensor}}}")));
/// assert_eq!(twice, Err("its header has `w_q` twice".to_owned()));
/// ```
///
/// # Errors
/// What is wrong, in words.
pub fn check_tensor_header(file: &[u8]) -> Result<(), String> {
    let Some((length, rest)) = file.split_first_chunk() else { return Ok(()) };
    let length = u64::from_le_bytes(*length);
    let Some(header) = usize::try_from(length).ok().and_then(|length| rest.get(..length)) else {
        return Ok(());
    };
    check(header).map(drop)
}

/// The same for the header alone; returns how many bytes of tensors it describes, none where it is no header.
pub(super) fn check(header: &[u8]) -> Result<u64, String> {
    let (length, most) = (header.len() as u64, bounds::HEADER);
    if length > most {
        return Err(format!("its header has {length} bytes, expected at most {most}"));
    }
    let (mut count, mut twice) = (Count::up_to(bounds::HEADER_VALUES), None);
    let tensors = Tensors { count: &mut count, twice: &mut twice };
    // What is no JSON object is found by its reader.
    let _ = tensors.deserialize(&mut serde_json::Deserializer::from_slice(header));
    if count.is_over {
        let most = bounds::HEADER_VALUES;
        return Err(format!("its header has more than {most} values, expected seven a tensor"));
    }
    match twice {
        Some(name) => {
            let shown: String = name.chars().take(SHOWN).collect();
            Err(format!("its header has `{}` twice", shown.escape_debug()))
        }
        None => Ok(count.largest),
    }
}

/// Gives what a header has of each tensor to `each`, one at a time: all of them together would take much memory.
///
/// # Errors
/// If it is no JSON object.
pub(crate) fn for_each_tensor(
    header: &[u8],
    each: impl FnMut(&str, &serde_json::Value),
) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(header);
    json.deserialize_map(Each(each))?;
    json.end()
}

struct Each<F>(F);

impl<'de, F: FnMut(&str, &serde_json::Value)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object as its header")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                map.next_value::<IgnoredAny>()?;
            } else {
                (self.0)(&name, &map.next_value()?);
            }
        }
        Ok(())
    }
}

/// The object of all tensors.
struct Tensors<'a> {
    count: &'a mut Count,
    /// A name that is there twice.
    twice: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Tensors<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Tensors<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object as its header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let watched = (name != METADATA).then_some(PLACE);
            map.next_value_seed(Value { count: &mut *self.count, watched, is_watched: false })?;
            if names.contains(&name) {
                *self.twice = Some(name);
                return Err(A::Error::custom("a name is there twice"));
            }
            names.insert(name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
    }

    #[track_caller]
    fn check_file(header: &str, expected: Result<(), &str>) {
        assert_eq!(check_tensor_header(&file(header)), expected.map_err(str::to_owned));
    }

    #[test]
    fn a_header_has_bounds() {
        let tensor = r#"{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}"#;
        let tensors = |n: usize| {
            let tensors: Vec<String> = (0..n).map(|i| format!("\"{i}\":{tensor}")).collect();
            format!("{{{}}}", tensors.join(","))
        };
        check_file(&tensors(16_384), Ok(()));
        let many = "its header has more than 131072 values, expected seven a tensor";
        check_file(&tensors(20_000), Err(many));
        check_file(&format!("{{\"a\":{{\"shape\":[{}1]}}}}", "1,".repeat(1 << 18)), Err(many));
        check_file(&format!("{{\"a\":[{}[]]}}", "[],".repeat(1 << 18)), Err(many));
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 21));
        check_file(&long, Err("its header has 2097160 bytes, expected at most 2097152"));
        check_file("[1]", Ok(()));
    }

    #[test]
    fn what_is_no_header_is_left_to_its_reader() {
        for header in ["", "{", "{}", "\u{fffd}", &"[".repeat(1 << 20), &"{\"a\":".repeat(1 << 18)] {
            check_file(header, Ok(()));
        }
        assert_eq!(check_tensor_header(b"short"), Ok(()));
        assert_eq!(check_tensor_header(&u64::MAX.to_le_bytes()), Ok(()));
    }

    #[test]
    fn the_bytes_that_a_header_describes_end_with_its_last_tensor() {
        let tensor = |name: &str, from: u64, to: u64| {
            format!("\"{name}\":{{\"shape\":[99],\"data_offsets\":[{from},{to}],\"dtype\":\"U8\"}}")
        };
        let both = [tensor("a", 8, 24), tensor("b", 0, 8)].join(",");
        assert_eq!(check(format!("{{{both}}}").as_bytes()), Ok(24));
        let metadata = "\"__metadata__\":{\"data_offsets\":\"77\",\"a\":{\"data_offsets\":[77]}}";
        assert_eq!(check(format!("{{{metadata},{both}}}").as_bytes()), Ok(24));
        assert_eq!((check(b"{}"), check(b"[77]"), check(b"{\"a\":")), (Ok(0), Ok(0), Ok(0)));
    }
}
