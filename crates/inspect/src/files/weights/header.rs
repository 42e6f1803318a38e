//! The header of a safetensors file, and whether the file is as long as it promises.

use std::path::Path;

use qkv_run::check_tensor_header;
use safetensors::tensor::Metadata;
use safetensors::{SafeTensorError, SafeTensors};

use crate::error::InspectError;

/// Bytes of the number in front of the header, which is the header's length.
const LENGTH_BYTES: usize = 8;

/// The header, and where the numbers begin; `path` is only for messages. Afterwards every offset in the header lies
/// within the file.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<(Metadata, usize), InspectError> {
    let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    let begin = length.saturating_add(LENGTH_BYTES as u64);
    let (path, size) = (path.to_owned(), bytes.len());
    let header = check_tensor_header(bytes).map(|()| SafeTensors::read_metadata(bytes));
    let problem = match header {
        Err(problem) => problem,
        Ok(Ok((_, header))) => return Ok((header, begin as usize)),
        // Other formats begin with a number, too, but not with a brace after it.
        Ok(Err(SafeTensorError::InvalidHeaderLength))
            if bytes.get(LENGTH_BYTES).is_none_or(|&b| b == b'{') =>
        {
            return Err(InspectError::Truncated { path, expected: begin, size });
        }
        Ok(Err(SafeTensorError::MetadataIncompleteBuffer)) => {
            let header = serde_json::from_slice::<Metadata>(&bytes[LENGTH_BYTES..begin as usize]);
            let expected = begin.saturating_add(header.map_or(0, |header| header.data_len() as u64));
            match (size as u64).checked_sub(expected) {
                None => return Err(InspectError::Truncated { path, expected, size }),
                Some(left) => format!("{left} bytes follow the last tensor"),
            }
        }
        Ok(Err(error)) => {
            format!("its header does not describe tensors ({})", error.to_string().escape_debug())
        }
    };
    let start = match bytes {
        [] => "nothing".to_owned(),
        _ => format!("\"{}\"", bytes[..size.min(16)].escape_ascii()),
    };
    Err(InspectError::NotSafetensors { path, problem, size, start })
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
            assert!(parse(Path::new("x"), &file(&header, &[0; 8])).is_err(), "{shape}");
        }
    }
}
