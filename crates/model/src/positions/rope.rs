//! Rotary positions: queries and keys are turned by an angle that grows with their position.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::kept::Kept;
use super::{Place, Positions};
use crate::error::ModelError;
use crate::head_shape::HeadShape;
use crate::init::Init;

/// RoPE ([Su et al. 2021, section 3.4.2](https://arxiv.org/abs/2104.09864)): a dot product of the turned vectors
/// depends on the distance of the two positions alone.
///
/// ```text
/// θ_i = base^(-2i / d_k)                                   i = 0 … d_k/2 - 1
/// x'_i       = x_i cos(t θ_i) - x_(i+d_k/2) sin(t θ_i)     for the vector x at position t
/// x'_(i+d_k/2) = x_i sin(t θ_i) + x_(i+d_k/2) cos(t θ_i)
/// ```
///
/// Component `i` is paired with `i + d_k/2`, as GPT-NeoX and Hugging Face's Llama do it; the paper pairs neighbours,
/// which is the same up to a permutation of the columns of W_Q and W_K.
#[derive(Module, Debug)]
pub struct Rope {
    base: f64,
    #[module(skip)]
    tables: Kept<TableKey, [Tensor<4>; 2]>,
}

/// Length, width and precision.
type TableKey = (usize, usize, DType);

/// Settings of `rope` in a config file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RopeSettings {
    base: f64,
}

impl Default for RopeSettings {
    fn default() -> Self {
        Self { base: 10_000.0 }
    }
}

impl Rope {
    pub(crate) fn build(settings: &RopeSettings, _: &Init, place: Place) -> Result<Option<Self>, ModelError> {
        let RopeSettings { base } = *settings;
        ModelError::check_number("base", base, "above 1 and finite", base > 1.0)?;
        match place {
            Place::Input { .. } => Ok(None),
            Place::Attention(HeadShape { d_k, .. }) if !d_k.is_multiple_of(2) => {
                Err(ModelError::OddWidth { d_k })
            }
            Place::Attention(_) => Ok(Some(Self { base, tables: Kept::new() })),
        }
    }

    fn turn(&self, x: Tensor<4>, offset: usize) -> Tensor<4> {
        let [_, _, len, d_k] = x.dims();
        if len == 0 {
            return x;
        }
        let half = d_k / 2;
        let [cos, sin] = self.tables(offset..offset + len, d_k, (&x.device(), x.dtype()));
        let first = x.clone().narrow(3, 0, half);
        let second = x.narrow(3, half, half);
        let turned_first = first.clone() * cos.clone() - second.clone() * sin.clone();
        let turned_second = first * sin + second * cos;
        Tensor::cat(vec![turned_first, turned_second], 3)
    }

    /// Cosines and sines of these positions, `[1, 1, len, d_k / 2]`: rows of the longest tables so far. Their lengths are
    /// powers of two, so that a sequence that grows by one position at a time has few of them made.
    fn tables(&self, rows: Range<usize>, d_k: usize, (device, dtype): (&Device, DType)) -> [Tensor<4>; 2] {
        let half = d_k / 2;
        let len = rows.end.next_power_of_two();
        let make = || {
            let angle =
                |at: usize| (at / half) as f64 * self.base.powf(-2.0 * (at % half) as f64 / d_k as f64);
            let table = |function: fn(f64) -> f64| {
                let values: Vec<f64> = (0..len * half).map(|at| function(angle(at))).collect();
                let data = TensorData::new(values, [1, 1, len, half]).convert_dtype(dtype);
                Tensor::<4>::from_data(data, (device, dtype))
            };
            ((len, d_k, dtype), [table(f64::cos), table(f64::sin)])
        };
        let serves = |key: &TableKey| key.0 >= len && (key.1, key.2) == (d_k, dtype);
        self.tables.get(device, serves, make).map(|table| match table.dims()[2] == rows.len() {
            true => table,
            false => table.narrow(2, rows.start, rows.len()),
        })
    }
}

impl Positions for Rope {
    fn rotate(&self, q: Tensor<4>, k: Tensor<4>, offset: usize) -> [Tensor<4>; 2] {
        [self.turn(q, offset), self.turn(k, offset)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_that_grows_has_few_tables_made() {
        let (rope, device) = (Rope { base: 10.0, tables: Kept::new() }, Device::flex());
        let mut lengths = Vec::new();
        for at in 0..100 {
            let row = || Tensor::ones([1, 1, 1, 4], &device);
            let _ = rope.rotate(row(), row(), at);
            let kept = |(len, ..): &TableKey| {
                lengths.push(*len);
                true
            };
            let _ = rope.tables.get(&device, kept, || unreachable!("there is one"));
        }
        lengths.dedup();
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 64, 128]);
    }
}
