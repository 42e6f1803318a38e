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

    fn number(dtype: Dtype, bits: u16) -> f64 {
        decode(dtype, &bits.to_le_bytes()).expect("a floating point type")[0]
    }

    #[test]
    fn half_precision_agrees_with_the_table_of_ieee_754() {
        let half = |bits| number(Dtype::F16, bits);
        assert_eq!(half(0x3c00), 1.0);
        assert_eq!(half(0xc000), -2.0);
        assert_eq!(half(0x3555), 0.333251953125);
        assert_eq!(half(0x7bff), 65504.0);
        assert_eq!(half(0x0400), 2f64.powi(-14));
        assert_eq!(half(0x0001), 2f64.powi(-24));
        assert!(half(0x8000) == 0.0 && half(0x8000).is_sign_negative());
        assert_eq!(half(0xfc00), f64::NEG_INFINITY);
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn brain_floats_are_the_upper_half_of_a_float() {
        let brain = |bits| number(Dtype::BF16, bits);
        assert_eq!(brain(0x3f80), 1.0);
        assert_eq!(brain(0xc040), -3.0);
        assert!(brain(0x7fc0).is_nan());
    }

    #[test]
    fn integers_are_not_weights() {
        assert_eq!(decode(Dtype::I64, &[0; 8]), None);
        assert_eq!(decode(Dtype::F32, &1.5f32.to_le_bytes()), Some(vec![1.5]));
    }
}
