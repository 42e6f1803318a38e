//! A safetensors file before any tensor of it is built: how long its header may be, and what may stand in it.
//!
//! A few bytes of a header can ask for a thousand times as much memory. What is far from any model is refused while it
//! costs nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::storage::Storage;

/// Bytes of the number in front of the header, which is the header's length.
const LENGTH_BYTES: u64 = 8;

/// The longest header. A thousand tensors have a tenth of a megabyte; the labels of a frame may have more.
const MAX_HEADER: u64 = 1 << 21;

/// Most numbers and texts in a header: a tensor has seven.
const MAX_VALUES: usize = 1 << 16;

/// The messages of this file begin so.
const OURS: &str = "its header has";

/// Letters of a name in a message.
const SHOWN: usize = 60;

/// The bytes of a regular file with tensors, whose header has passed [`check_tensor_header`]. If it claims to be longer
/// than any that is read, the rest is not read.
///
/// # Errors
/// As [`Storage::read`], and [`ErrorKind::InvalidData`] for such a header.
pub fn read_tensors(storage: &dyn Storage, file: &Path, at_most: u64) -> io::Result<Vec<u8>> {
    if let Some(length) = storage.read_start(file, LENGTH_BYTES)?.first_chunk() {
        let length = u64::from_le_bytes(*length);
        let size = storage.entry(file)?.map_or(0, |entry| entry.size);
        // In a short file the claim is a lie that its reader finds.
        if length > MAX_HEADER && size > MAX_HEADER {
            let what = format!("its header claims {length} bytes, expected at most {MAX_HEADER}");
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
    }
    let bytes = storage.read(file, at_most)?;
    check_tensor_header(&bytes).map_err(|what| io::Error::new(ErrorKind::InvalidData, what))?;
    Ok(bytes)
}

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
    if length > MAX_HEADER {
        return Err(format!("its header has {length} bytes, expected at most {MAX_HEADER}"));
    }
    let mut left = MAX_VALUES;
    let mut json = serde_json::Deserializer::from_slice(header);
    match (Names { left: &mut left }).deserialize(&mut json) {
        Err(error) if error.to_string().starts_with(OURS) => {
            let text = error.to_string();
            // The line and the column of a header mean nothing.
            Err(text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned())
        }
        // What is no JSON object is found by its reader.
        _ => Ok(()),
    }
}

/// The object of all tensors.
struct Names<'a> {
    left: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Names<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object as its header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(Count { left: self.left })?;
            if names.contains(&name) {
                let shown: String = name.chars().take(SHOWN).collect();
                return Err(A::Error::custom(format!("its header has `{}` twice", shown.escape_debug())));
            }
            names.insert(name);
        }
        Ok(())
    }
}

/// Any value, of which nothing is kept.
struct Count<'a> {
    left: &'a mut usize,
}

impl Count<'_> {
    fn one<E: Error>(self) -> Result<(), E> {
        *self.left = self.left.checked_sub(1).ok_or_else(|| {
            E::custom(format!("its header has more than {MAX_VALUES} values, expected seven a tensor"))
        })?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Count<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Count<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.one()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.one()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.one()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.one()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.one()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.one()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Count { left: self.left })?.is_some() {}
        self.one()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(Count { left: self.left })?;
        }
        self.one()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::Outcome;
    use crate::storage::Disk;
    use std::fs;

    fn file(header: &str) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
    }

    #[track_caller]
    fn check(header: &str, expected: Result<(), &str>) {
        assert_eq!(check_tensor_header(&file(header)), expected.map_err(str::to_owned));
    }

    #[test]
    fn a_header_has_bounds() {
        let tensor = r#"{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}"#;
        let tensors = |n: usize| {
            let tensors: Vec<String> = (0..n).map(|i| format!("\"{i}\":{tensor}")).collect();
            format!("{{{}}}", tensors.join(","))
        };
        check(&tensors(2000), Ok(()));
        let many = "its header has more than 65536 values, expected seven a tensor";
        check(&tensors(10_000), Err(many));
        check(&format!("{{\"a\":{{\"shape\":[{}1]}}}}", "1,".repeat(1 << 17)), Err(many));
        check(&format!("{{\"a\":[{}[]]}}", "[],".repeat(1 << 17)), Err(many));
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 21));
        check(&long, Err("its header has 2097160 bytes, expected at most 2097152"));
        check("[1]", Ok(()));
    }

    #[test]
    fn what_is_no_header_is_left_to_its_reader() {
        for header in ["", "{", "{}", "\u{fffd}", &"[".repeat(1 << 20), &"{\"a\":".repeat(1 << 18)] {
            check(header, Ok(()));
        }
        assert_eq!(check_tensor_header(b"short"), Ok(()));
        assert_eq!(check_tensor_header(&u64::MAX.to_le_bytes()), Ok(()));
    }

    #[test]
    fn a_file_whose_header_claims_too_much_is_not_read() -> Outcome {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("model.safetensors");
        for (length, size, is_read) in
            [(MAX_HEADER, 2 * MAX_HEADER, true), (u64::MAX, 100, true), (MAX_HEADER + 1, 1 << 40, false)]
        {
            fs::write(&path, length.to_le_bytes())?;
            fs::File::options().write(true).open(&path)?.set_len(size)?;
            let result = read_tensors(&Disk, &path, size);
            assert_eq!(result.as_ref().is_ok_and(|bytes| bytes.len() as u64 == size), is_read);
            if let Err(error) = result {
                assert_eq!(error.to_string(), "its header claims 2097153 bytes, expected at most 2097152");
            }
        }
        Ok(())
    }
}
