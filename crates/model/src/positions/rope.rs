//! Rotary positions: queries and keys are turned by an angle that grows with their position.

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

    fn turn(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, len, d_k] = x.dims();
        let half = d_k / 2;
        let [cos, sin] = self.tables(len, d_k, (&x.device(), x.dtype()));
        let first = x.clone().narrow(3, 0, half);
        let second = x.narrow(3, half, half);
        let turned_first = first.clone() * cos.clone() - second.clone() * sin.clone();
        let turned_second = first * sin + second * cos;
        Tensor::cat(vec![turned_first, turned_second], 3)
    }

    /// Cosines and sines, `[1, 1, len, d_k / 2]`: the first rows of the longest tables so far.
    fn tables(&self, len: usize, d_k: usize, (device, dtype): (&Device, DType)) -> [Tensor<4>; 2] {
        let half = d_k / 2;
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
        self.tables.get(device, serves, make).map(|table| match table.dims()[2] == len {
            true => table,
            false => table.narrow(2, 0, len),
        })
    }
}

impl Positions for Rope {
    fn rotate(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        [self.turn(q), self.turn(k)]
    }
}
