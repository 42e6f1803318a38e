//! SHA-256: of bytes in memory, and of a file of which a piece at a time is there.

use std::io::{self, ErrorKind, Read};

use sha2::{Digest, Sha256};

/// Bytes that are read at a time.
const PIECE: usize = 1 << 16;

/// The SHA-256 of some bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    digits(hash(bytes))
}

/// The SHA-256 of all that is read, in hexadecimal digits.
pub(crate) fn sha256_of(file: impl Read) -> io::Result<String> {
    hash_of(file).map(digits)
}

/// The SHA-256 of some bytes.
pub(crate) fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The same of all that is read.
pub(crate) fn hash_of(mut file: impl Read) -> io::Result<[u8; 32]> {
    let (mut hasher, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(n) => hasher.update(&piece[..n]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn digits(hash: [u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        // FIPS 180-2, appendix B.1 and B.3.
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(
            sha256(&vec![b'a'; 1_000_000]),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
    }

    #[test]
    fn a_file_has_the_hash_of_its_bytes_however_many_pieces_it_is_read_in() -> io::Result<()> {
        for n in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let bytes: Vec<u8> = (0..n).map(|i| (i % 251) as u8).collect();
            // A reader may give fewer bytes than there is room for.
            let (start, end) = bytes.split_at(n / 3);
            assert_eq!(sha256_of(start.chain(end))?, sha256(&bytes), "{n}");
        }
        Ok(())
    }
}
