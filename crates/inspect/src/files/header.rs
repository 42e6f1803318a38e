//! The header of a safetensors file, and whether the file is as long as it promises.

use std::cmp::Ordering;

use safetensors::tensor::Metadata;

/// Bytes of the number in front of the header, which is the header's length.
const LENGTH_BYTES: usize = 8;

/// The header's limit in the [format's own implementation](https://github.com/huggingface/safetensors#format); what
/// claims more is another kind of file.
const MAX_HEADER: u64 = 100_000_000;

/// Why the bytes of a file cannot be used.
pub(crate) enum Problem {
    /// The file has to be at least this long.
    Truncated(u64),
    /// In words.
    Other(String),
}

/// The header, and where the numbers begin. Afterwards every offset in the header lies within the file.
pub(crate) fn parse(bytes: &[u8]) -> Result<(Metadata, usize), Problem> {
    let Some((length, rest)) = bytes.split_first_chunk::<LENGTH_BYTES>() else {
        return Err(Problem::Other("it is shorter than the smallest one".to_owned()));
    };
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER || rest.first().is_some_and(|&byte| byte != b'{') {
        return Err(Problem::Other("it has no header of tensor names".to_owned()));
    }
    let length = length as usize;
    let Some((header, data)) = rest.split_at_checked(length) else {
        return Err(Problem::Truncated((LENGTH_BYTES + length) as u64));
    };
    let header: Metadata = serde_json::from_slice(header).map_err(|e| {
        Problem::Other(format!("its header does not describe tensors ({})", e.to_string().escape_debug()))
    })?;
    let expected = header.data_len();
    match expected.cmp(&data.len()) {
        Ordering::Greater => {
            Err(Problem::Truncated((expected as u64).saturating_add((LENGTH_BYTES + length) as u64)))
        }
        Ordering::Less => {
            Err(Problem::Other(format!("{} bytes follow the last tensor", data.len() - expected)))
        }
        Ordering::Equal => Ok((header, LENGTH_BYTES + length)),
    }
}

/// The first bytes in a form that can be printed.
pub(crate) fn start(bytes: &[u8]) -> String {
    match bytes {
        [] => "nothing".to_owned(),
        _ => format!("\"{}\"", bytes[..bytes.len().min(16)].escape_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::file;

    #[test]
    fn offsets_that_would_overflow_are_refused() {
        for (shape, end) in [
            ("[18446744073709551608]", 18446744073709551608u64),
            ("[4294967296,4294967296]", 0),
            ("[2305843009213693952]", 8),
        ] {
            let header = format!(r#"{{"w_q":{{"dtype":"U8","shape":{shape},"data_offsets":[0,{end}]}}}}"#);
            assert!(parse(&file(&header, &[0; 8])).is_err(), "{shape}");
        }
    }
}
