//! The seal of a frame: its last 32 bytes, a tensor, are the SHA-256 of all bytes before them.

use std::io::{self, Read};

use crate::hash::{hash, hash_of};
use crate::tensor_file::{TensorFileStart, for_each_tensor};
use crate::tensor_names::SEAL;

/// Bytes of a seal.
const LENGTH: usize = 32;

/// The type of a seal's tensor. No other tensor of a frame has it.
const BYTES: &str = "U8";

const SHORT: &str = "it is shorter than its seal";

/// Seals the bytes of a frame whose last tensor is called [`SEAL`] and has 32 values of the type `U8`, whatever they
/// are. `safetensors` puts a tensor of that type behind all others.
///
/// # Panics
/// If it is shorter than its seal.
pub fn seal_frame(frame: &mut [u8]) {
    let (sealed, seal) = frame.split_last_chunk_mut::<LENGTH>().expect("a frame has a seal");
    *seal = hash(sealed);
}

/// Whether a frame has a seal; early ones have none.
///
/// # Errors
/// If it has another than its bytes, or none in the place of one.
pub(crate) fn is_sealed(frame: &[u8]) -> Result<bool, String> {
    if !has_place(frame, frame.len() as u64)? {
        return Ok(false);
    }
    let (sealed, seal) = frame.split_last_chunk().ok_or(SHORT)?;
    compare(hash(sealed), seal)
}

/// The same for a frame that begins with these bytes, of which a piece at a time is in memory.
///
/// # Errors
/// If it cannot be read; otherwise as [`is_sealed`].
pub(crate) fn is_sealed_file(
    TensorFileStart { bytes, size }: &TensorFileStart,
    mut frame: impl Read,
) -> io::Result<Result<bool, String>> {
    match (has_place(bytes, *size), size.checked_sub(LENGTH as u64)) {
        (Ok(true), Some(n_sealed)) => {
            let sealed = hash_of(frame.by_ref().take(n_sealed))?;
            let mut seal = [0; LENGTH];
            frame.read_exact(&mut seal)?;
            Ok(compare(sealed, &seal))
        }
        (Ok(true), None) => Ok(Err(SHORT.to_owned())),
        (other, _) => Ok(other),
    }
}

fn compare(found: [u8; LENGTH], seal: &[u8; LENGTH]) -> Result<bool, String> {
    match found == *seal {
        true => Ok(true),
        false => Err("its SHA-256 is another than its seal".to_owned()),
    }
}

/// Whether the header of a file of this size has a place for a seal; `start` has all of the header.
fn has_place(start: &[u8], size: u64) -> Result<bool, String> {
    let (length, rest) = start.split_first_chunk().ok_or("it has no header")?;
    let n_header = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let header = rest.get(..n_header).ok_or("its header is longer than the file")?;
    let mut found = None;
    let read = for_each_tensor(header, |name, tensor| {
        if name == SEAL || tensor["dtype"] == BYTES {
            let place = [0, 1].map(|index| tensor["data_offsets"][index].as_u64());
            found.get_or_insert((name.to_owned(), place));
        }
    });
    read.map_err(|error| format!("its header does not describe tensors: {error}"))?;
    let Some((name, place)) = found else { return Ok(false) };
    let end = size - (length.len() + header.len()) as u64;
    if name != SEAL || place != [end.checked_sub(LENGTH as u64), Some(end)] {
        return Err(format!("its tensor `{name}` is no `{SEAL}` of {LENGTH} bytes at its end"));
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(header: &str, n_bytes: u8) -> Vec<u8> {
        let data: Vec<u8> = (0..n_bytes).collect();
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
    }

    #[test]
    fn every_flipped_bit_of_a_sealed_frame_is_found_and_a_frame_without_seal_is_left_as_it_is() {
        let both = |bytes: &[u8]| {
            let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
            let n = usize::try_from(length.saturating_add(8)).unwrap_or(usize::MAX).min(bytes.len());
            let start = TensorFileStart { bytes: bytes[..n].to_vec(), size: bytes.len() as u64 };
            let streamed = is_sealed_file(&start, bytes).expect("memory can be read");
            assert_eq!(streamed, is_sealed(bytes));
            streamed
        };
        let early =
            r#"{"__metadata__":{"probes":"[]"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
        assert_eq!(both(&frame(early, 8)), Ok(false));
        let header = r#"{"__metadata__":{"probes":"[]"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"sha256":{"dtype":"U8","shape":[32],"data_offsets":[8,40]}}   "#;
        let mut sealed = frame(header, 40);
        assert_eq!(both(&sealed), Err("its SHA-256 is another than its seal".to_owned()));
        seal_frame(&mut sealed);
        assert_eq!(both(&sealed), Ok(true));
        for bit in 0..8 * sealed.len() {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(both(&flipped).is_err(), "bit {bit}");
        }
    }
}
