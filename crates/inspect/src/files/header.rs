//! The header of a safetensors file, and whether the file is as long as it promises.

use safetensors::tensor::Metadata;
use safetensors::{SafeTensorError, SafeTensors};

/// Bytes of the number in front of the header, which is the header's length.
const LENGTH_BYTES: usize = 8;

/// Why the bytes of a file cannot be used.
pub(crate) enum Problem {
    /// The file has to be at least this long.
    Truncated(u64),
    /// In words.
    Other(String),
}

/// The header, and where the numbers begin. Afterwards every offset in the header lies within the file.
pub(crate) fn parse(bytes: &[u8]) -> Result<(Metadata, usize), Problem> {
    let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    let begin = length.saturating_add(LENGTH_BYTES as u64);
    match SafeTensors::read_metadata(bytes) {
        Ok((_, header)) => Ok((header, begin as usize)),
        // Other formats begin with a number, too, but not with a brace after it.
        Err(SafeTensorError::InvalidHeaderLength) if bytes.get(LENGTH_BYTES).is_none_or(|&b| b == b'{') => {
            Err(Problem::Truncated(begin))
        }
        Err(SafeTensorError::MetadataIncompleteBuffer) => Err(wrong_length(bytes, begin)),
        Err(error) => {
            let error = error.to_string();
            Err(Problem::Other(format!("its header does not describe tensors ({})", error.escape_debug())))
        }
    }
}

/// What is missing behind a whole header, or too much.
fn wrong_length(bytes: &[u8], begin: u64) -> Problem {
    let header = serde_json::from_slice::<Metadata>(&bytes[LENGTH_BYTES..begin as usize]);
    let end = begin.saturating_add(header.map_or(0, |header| header.data_len() as u64));
    match (bytes.len() as u64).checked_sub(end) {
        None => Problem::Truncated(end),
        Some(left) => Problem::Other(format!("{left} bytes follow the last tensor")),
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
