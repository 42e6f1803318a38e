//! Reading a safetensors file: nothing of it is in memory before its header is bounded and its length is what the
//! header describes.
//!
//! Here belongs what holds for any such file. What a checkpoint or a frame has in it does not.

mod header;

pub use header::check_tensor_header;
pub(crate) use header::{METADATA, for_each_tensor};

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::bounds;
use crate::error::RunError;
use crate::hash::sha256_of;
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
    TensorFileStart::read(storage, file)?;
    let bytes = storage.read(file, at_most)?;
    check_tensor_header(&bytes).map_err(invalid)?;
    Ok(bytes)
}

/// The SHA-256 of such a file, of which the header and a piece of the rest are in memory.
///
/// # Errors
/// As [`read_tensors`].
pub fn hash_tensors(storage: &dyn Storage, file: &Path) -> io::Result<String> {
    TensorFileStart::read(storage, file)?;
    sha256_of(storage.reader(file)?)
}

/// The header of a file with tensors, and what is before it.
#[derive(Debug)]
pub(crate) struct TensorFileStart {
    /// To the end of the header, or of the file where that is shorter.
    pub bytes: Vec<u8>,
    /// Of the whole file.
    pub size: u64,
}

impl TensorFileStart {
    /// Reads it and compares what it claims with the length of the file. In a short file a false claim costs nothing,
    /// and its reader finds it.
    ///
    /// # Errors
    /// As [`read_tensors`].
    pub fn read(storage: &dyn Storage, file: &Path) -> io::Result<Self> {
        let size = storage.entry(file)?.map_or(0, |entry| entry.size);
        let number = storage.read_start(file, LENGTH_BYTES)?;
        let length = number.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
        if size > SURPLUS && length > bounds::HEADER {
            let most = bounds::HEADER;
            return Err(invalid(format!("its header claims {length} bytes, expected at most {most}")));
        }
        let bytes = storage.read_start(file, LENGTH_BYTES.saturating_add(length).min(size))?;
        let header = bytes.get(LENGTH_BYTES as usize..).unwrap_or_default();
        if (header.len() as u64) < length {
            return Ok(Self { bytes, size });
        }
        let described = header::check(header).map_err(invalid)?;
        let behind = size.saturating_sub(LENGTH_BYTES + length);
        if behind.saturating_sub(described) > SURPLUS {
            return Err(invalid(format!(
                "its header describes {described} bytes of tensors, {behind} follow it"
            )));
        }
        Ok(Self { bytes, size })
    }
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
    use crate::hash::sha256;
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
            assert_eq!(result.as_ref().err().map(|error| error.to_string()), refused);
            let hash = hash_tensors(&Disk, &path);
            assert_eq!(hash.as_ref().ok(), result.ok().map(|bytes| sha256(&bytes)).as_ref());
            assert_eq!(hash.err().map(|error| error.to_string()), refused);
        }
        Ok(())
    }
}
