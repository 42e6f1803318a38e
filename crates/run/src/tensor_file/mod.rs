//! Reading a safetensors file: nothing of it is in memory before its header is bounded and its length is what the
//! header describes.
//!
//! Here belongs what holds for any such file. What a checkpoint or a frame has in it does not.

mod header;

pub use header::check_tensor_header;
pub(crate) use header::for_each_tensor;

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::bounds;
use crate::error::RunError;
use crate::storage::Storage;

/// Bytes of the number in front of the header, which is the header's length.
const LENGTH_BYTES: u64 = 8;

/// Bytes of the longest header, with its length.
pub(crate) const LONGEST_HEADER: u64 = LENGTH_BYTES + bounds::HEADER;

/// Bytes behind the last tensor that cost nothing: the reader of the file finds them, and states where they are.
const SURPLUS: u64 = bounds::HEADER;

/// The bytes of a regular file with tensors, whose header has passed [`check_tensor_header`]. Of a file whose header is
/// too long, or that is far longer than its header describes, the rest is not read.
///
/// # Errors
/// As [`Storage::read`], and [`ErrorKind::InvalidData`] for such a file.
pub fn read_tensors(storage: &dyn Storage, file: &Path, at_most: u64) -> io::Result<Vec<u8>> {
    check_claims(storage, file)?;
    let bytes = storage.read(file, at_most)?;
    check_tensor_header(&bytes).map_err(invalid)?;
    Ok(bytes)
}

/// Compares what a header claims with the length of the file. In a short file a false claim costs nothing, and its
/// reader finds it.
fn check_claims(storage: &dyn Storage, file: &Path) -> io::Result<()> {
    let size = storage.entry(file)?.map_or(0, |entry| entry.size);
    if size <= SURPLUS {
        return Ok(());
    }
    let start = storage.read_start(file, LENGTH_BYTES)?;
    let length = start.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    if length > bounds::HEADER {
        let most = bounds::HEADER;
        return Err(invalid(format!("its header claims {length} bytes, expected at most {most}")));
    }
    let start = storage.read_start(file, LENGTH_BYTES + length)?;
    let described = header::check(start.get(LENGTH_BYTES as usize..).unwrap_or_default()).map_err(invalid)?;
    let behind = size.saturating_sub(LENGTH_BYTES + length);
    if behind.saturating_sub(described) > SURPLUS {
        return Err(invalid(format!(
            "its header describes {described} bytes of tensors, {behind} follow it"
        )));
    }
    Ok(())
}

/// Refuses to write a file of tensors whose header would be refused when it is read.
pub(crate) fn check_to_write(file: &Path, bytes: &[u8]) -> Result<(), RunError> {
    check_tensor_header(bytes).map_err(|what| RunError::not_readable(file, what))
}

fn invalid(what: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::Outcome;
    use crate::storage::Disk;
    use std::fs;

    #[test]
    fn a_file_that_is_not_what_its_header_claims_is_not_read() -> Outcome {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("model.safetensors");
        let header = |n_bytes: u64| format!("{{\"a\":{{\"data_offsets\":[0,{n_bytes}]}}}}").into_bytes();
        let claims = |length: u64, header: &[u8]| [&length.to_le_bytes()[..], header].concat();
        let terabyte = 1_u64 << 40;
        let of_all = header(3 * SURPLUS);
        for (start, size, refused) in [
            (claims(bounds::HEADER, b""), 2 * SURPLUS, None),
            (claims(u64::MAX, b""), 100, None),
            (claims(of_all.len() as u64, &of_all), 4 * SURPLUS, None),
            (
                claims(bounds::HEADER + 1, b""),
                terabyte,
                Some("its header claims 2097153 bytes, expected at most 2097152".to_owned()),
            ),
            (
                claims(22, &header(10)),
                terabyte,
                Some(format!("its header describes 0 bytes of tensors, {} follow it", terabyte - 30)),
            ),
            (
                claims(29, &header(10)),
                terabyte,
                Some(format!("its header describes 10 bytes of tensors, {} follow it", terabyte - 37)),
            ),
        ] {
            fs::write(&path, &start)?;
            fs::File::options().write(true).open(&path)?.set_len(size)?;
            let result = read_tensors(&Disk, &path, size);
            assert_eq!(result.as_ref().is_ok_and(|bytes| bytes.len() as u64 == size), refused.is_none());
            assert_eq!(result.err().map(|error| error.to_string()), refused);
        }
        Ok(())
    }
}
