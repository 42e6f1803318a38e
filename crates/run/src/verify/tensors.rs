//! The layout of a safetensors file: its header fits its length, and its tensors lie in it one after the other.

use std::collections::BTreeMap;
use std::fmt;
use std::mem::replace;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::Fault;
use crate::tensor_file::{METADATA, TensorFileStart, check_tensor_header, for_each_tensor};

/// The number of bytes before the header: its length, little-endian.
const LENGTH: u64 = 8;

/// What is wrong with a file that begins with these bytes, if anything. Nothing is allocated for what a header claims.
pub(super) fn fault(start: &TensorFileStart) -> Option<Fault> {
    check(start).err()
}

fn check(&TensorFileStart { bytes: ref start, size }: &TensorFileStart) -> Result<(), Fault> {
    let Some((length, rest)) = start.split_first_chunk() else {
        return Err(Fault::of_all(format!("it has {size} bytes, expected the header of a safetensors file")));
    };
    let length = u64::from_le_bytes(*length);
    let header = usize::try_from(length).ok().and_then(|length| rest.get(..length));
    check_tensor_header(start).map_err(|what| Fault::at(0..LENGTH.saturating_add(length).min(size), what))?;
    let header = header.ok_or_else(|| {
        Fault::at(0..LENGTH, format!("its header claims {length} bytes, {} follow", size - LENGTH))
    })?;
    let place = LENGTH..LENGTH + length;
    let no_json = |what: String| Fault::at(place.clone(), format!("its header is no JSON object: {what}"));
    let (mut spans, mut unfit) = (Vec::new(), None);
    let read = for_each_tensor(header, |name, tensor| match span(tensor) {
        Some(span) => spans.push(span),
        None => drop(unfit.get_or_insert_with(|| name.to_owned())),
    });
    read.map_err(|error| no_json(error.to_string()))?;
    if let Some(name) = unfit {
        let what =
            format!("the tensor `{name}` has no type, shape and place that fit each other in its header");
        return Err(Fault::at(place, what));
    }
    serde_json::Deserializer::from_slice(header).deserialize_map(Header).map_err(|error| {
        Fault::at(place.clone(), format!("its header does not describe tensors: {error}"))
    })?;
    spans.sort_unstable();
    let mut end = 0;
    for (from, to) in spans {
        if from != end {
            let what = format!("a tensor begins at byte {from} of the data, expected {end}");
            return Err(Fault::at(place, what));
        }
        end = to;
    }
    let data = size - place.end;
    if end == data {
        Ok(())
    } else {
        Err(Fault::at(
            place.end..size,
            format!("its tensors have {end} bytes in the header, {data} follow it"),
        ))
    }
}

/// What a header has to be for its reader: metadata are texts, and no key of a tensor stands twice.
struct Header;

impl<'de> Visitor<'de> for Header {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object as its header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_metadata = false;
        while let Some(name) = map.next_key::<String>()? {
            if name != METADATA {
                map.next_value::<Tensor>()?;
            } else if replace(&mut has_metadata, true) {
                return Err(A::Error::duplicate_field(METADATA));
            } else {
                map.next_value::<Option<BTreeMap<String, String>>>()?;
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Tensor {
    #[serde(rename = "dtype")]
    _dtype: IgnoredAny,
    #[serde(rename = "shape")]
    _shape: IgnoredAny,
    #[serde(rename = "data_offsets")]
    _data_offsets: IgnoredAny,
}

/// Where the values of a tensor begin and end, if there is room for as many as its shape has.
fn span(tensor: &Value) -> Option<(u64, u64)> {
    let bits: u64 = match tensor.get("dtype")?.as_str()? {
        "F64" | "I64" | "U64" | "C64" => 64,
        "F32" | "I32" | "U32" => 32,
        "F16" | "BF16" | "I16" | "U16" => 16,
        "BOOL" | "I8" | "U8" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" => 8,
        _ => return None,
    };
    let shape = tensor.get("shape")?.as_array()?;
    let values = shape.iter().try_fold(1_u64, |n, axis| n.checked_mul(axis.as_u64()?))?;
    match tensor.get("data_offsets")?.as_array()?.as_slice() {
        [from, to] => {
            let (from, to) = (from.as_u64()?, to.as_u64()?);
            (to.checked_sub(from)? == values.checked_mul(bits / 8)?).then_some((from, to))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
    }

    #[track_caller]
    fn check_fault(file: &[u8], expected: Option<&str>) {
        let length = file.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
        let n = usize::try_from(length.saturating_add(LENGTH)).map_or(file.len(), |n| n.min(file.len()));
        let start = TensorFileStart { bytes: file[..n].to_vec(), size: file.len() as u64 };
        let what = fault(&start).map(|fault| fault.what);
        match expected {
            None => assert_eq!(what, None),
            Some(fragment) => assert!(what.as_ref().is_some_and(|what| what.contains(fragment)), "{what:?}"),
        }
    }

    #[test]
    fn a_header_that_does_not_fit_its_file_is_found() {
        let tensor = |name: &str, shape: &str, from: u64, to: u64| {
            format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#)
        };
        let header = |tensors: &[String]| format!("{{{}}}", tensors.join(","));
        let two = [tensor("b", "[2,3]", 0, 24), tensor("a", "[]", 24, 28)];
        check_fault(&file(&header(&two), 28), None);
        check_fault(&file("{\"__metadata__\":{\"format\":\"pt\"}}", 0), None);
        check_fault(b"", Some("0 bytes"));
        check_fault(&file(&header(&two), 27), Some("28 bytes in the header, 27 follow"));
        check_fault(&file(&header(&two), 29), Some("28 bytes in the header, 29 follow"));
        check_fault(&u64::MAX.to_le_bytes(), Some("claims 18446744073709551615 bytes, 0 follow"));
        check_fault(&file(r#"{"__metadata__":{"probes":1}}"#, 0), Some("expected a string"));
        let twice = r#"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        check_fault(&file(twice, 4), Some("duplicate field `dtype`"));
        check_fault(&file("[1]", 0), Some("no JSON object"));
        check_fault(&file(&"[".repeat(100_000), 0), Some("no JSON object"));
        let overlapping = [tensor("b", "[2,3]", 0, 24), tensor("a", "[2]", 20, 28)];
        check_fault(&file(&header(&overlapping), 28), Some("begins at byte 20 of the data, expected 24"));
        for (shape, from, to) in
            [("[7]", 0, 24), ("[2,3]", 24, 0), ("[4611686018427387904,4]", 0, 0), ("[-1]", 0, 4)]
        {
            check_fault(&file(&header(&[tensor("a", shape, from, to)]), 24), Some("`a`"));
        }
    }
}
