//! Bytes of a weight file to numbers.

use half::{bf16, f16};
use safetensors::Dtype;

/// Little-endian floating point numbers of any width as f64, which holds each of them exactly.
///
/// `None` where `dtype` is no floating point type of 16 bits or more.
pub(crate) fn decode(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f64>> {
    match dtype {
        Dtype::F64 => Some(numbers(bytes, f64::from_le_bytes)),
        Dtype::F32 => Some(numbers(bytes, |b| f64::from(f32::from_le_bytes(b)))),
        Dtype::F16 => Some(numbers(bytes, |b| f16::from_le_bytes(b).to_f64())),
        Dtype::BF16 => Some(numbers(bytes, |b| bf16::from_le_bytes(b).to_f64())),
        _ => None,
    }
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|&chunk| number(chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_of_every_width_are_read_and_integers_are_not_weights() {
        let cases = [
            (Dtype::F64, vec![0, 0, 0, 0, 0, 0, 0xf8, 0x3f], 1.5),
            (Dtype::F32, vec![0, 0, 0xc0, 0x3f], 1.5),
            (Dtype::F16, vec![0x55, 0x35], 0.333251953125),
            (Dtype::BF16, vec![0x40, 0xc0], -3.0),
        ];
        for (dtype, bytes, expected) in cases {
            assert_eq!(decode(dtype, &bytes), Some(vec![expected]), "{dtype:?}");
        }
        assert_eq!(decode(Dtype::I64, &[0; 8]), None);
    }
}
