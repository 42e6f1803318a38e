//! A safetensors file whose header changes: most damage at random places ends at the number in front of it.

/// The file with another header, and with the length that belongs to it; `None` if it has no header.
pub fn with_header(file: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Option<Vec<u8>> {
    let (length, rest) = file.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, data) = rest.split_at_checked(length)?;
    let mut header = header.to_vec();
    change(&mut header);
    Some([&(header.len() as u64).to_le_bytes()[..], &header, data].concat())
}
