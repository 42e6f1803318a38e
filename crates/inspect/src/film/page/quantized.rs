//! Matrices small enough to travel in a page.

use serde::Serialize;

use crate::matrix::dense::Matrix;
use crate::picture::palette::Palette;
use crate::picture::scale::Scale;

/// Numbers of one frame, which can be read without those of any other.
#[derive(Serialize)]
pub(crate) struct Quantized {
    /// As [`quantized`].
    data: String,
    /// What 32,767 stands for: the largest magnitude.
    limit: f64,
}

impl Quantized {
    pub(crate) fn of(matrix: &Matrix) -> Self {
        let limit = largest(matrix);
        Self { data: quantized(matrix, limit), limit }
    }
}

/// The largest magnitude of the finite values.
pub(crate) fn largest(matrix: &Matrix) -> f64 {
    Scale::of(Palette::Diverging, [matrix]).high
}

/// The values as numbers of 16 bits, little-endian in base64: 2.7 characters a value, with an error of at most 1/65,534
/// of the largest, because every cell can be read as a number. `limit` becomes the largest number, what is NaN or
/// infinite the least.
pub(crate) fn quantized(matrix: &Matrix, limit: f64) -> String {
    let limit = if limit > 0.0 { limit } else { 1.0 };
    let part = |x: &f64| x.is_finite().then(|| (x / limit * f64::from(i16::MAX)).round() as i16);
    let numbers = matrix.values().iter().map(|x| part(x).unwrap_or(i16::MIN));
    base64(&numbers.flat_map(i16::to_le_bytes).collect::<Vec<u8>>())
}

/// [RFC 4648, section 4](https://www.rfc-editor.org/rfc/rfc4648#section-4)
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let index = (bits >> (18 - 6 * i)) as usize & 63;
            text.push(if i <= chunk.len() { char::from(ALPHABET[index]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_gives_the_vectors_of_its_standard() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in cases {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn the_limit_is_the_largest_number_and_nan_has_its_own() -> Result<(), crate::InspectError> {
        let matrix = Matrix::new(1, 3, vec![2.0, -2.0, f64::NAN])?;
        // 0x7fff, 0x8001, 0x8000
        assert_eq!(quantized(&matrix, 2.0), base64(&[0xff, 0x7f, 0x01, 0x80, 0x00, 0x80]));
        assert_eq!(quantized(&Matrix::new(1, 1, vec![0.0])?, 0.0), base64(&[0, 0]));
        Ok(())
    }
}
