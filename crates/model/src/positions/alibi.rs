//! Attention with linear biases: the farther away a key stands, the less it counts.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::kept::Kept;
use super::{Place, Positions};
use crate::error::ModelError;
use crate::head_shape::HeadShape;
use crate::init::Init;

/// ALiBi ([Press et al. 2022, section 3](https://arxiv.org/abs/2108.12409)).
///
/// ```text
/// s_ij = s_ij - m_h |i + k_len - q_len - j|       m_h = 2^(-8 (h+1) / n_heads)
/// ```
///
/// Queries stand at the end of the keys. Without a causal mask, which the paper always has, keys after the query are
/// as far away as those before it. Where the number of heads is no power of two, the slopes are those of the next
/// smaller power, then every other one of the next larger, as in the authors' code. Slopes of your own can be given,
/// one for each head: the steeper, the nearer a head looks whatever it learns.
#[derive(Module, Debug)]
pub struct Alibi {
    /// `[n_heads]`.
    slopes: Tensor<1>,
    #[module(skip)]
    bias: Kept<[usize; 2], Tensor<4>>,
}

/// Settings of `alibi` in a config file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AlibiSettings {
    /// One for each head; those of the paper where there are none.
    slopes: Vec<f64>,
}

impl Alibi {
    pub(crate) fn build(
        settings: &AlibiSettings,
        init: &Init,
        place: Place,
    ) -> Result<Option<Self>, ModelError> {
        let AlibiSettings { slopes } = settings;
        for &slope in slopes {
            ModelError::check_number("slopes", slope, "at least 0 and finite", slope >= 0.0)?;
        }
        let Place::Attention(HeadShape { n_heads, .. }) = place else { return Ok(None) };
        let slopes = match slopes.len() {
            0 => paper_slopes(n_heads),
            n_slopes if n_slopes == n_heads => slopes.clone(),
            n_slopes => return Err(ModelError::SlopesDoNotFit { n_heads, n_slopes }),
        };
        Ok(Some(Self { slopes: init.tensor(slopes, [n_heads]), bias: Kept::new() }))
    }
}

impl Positions for Alibi {
    fn bias(&self, q_len: usize, k_len: usize) -> Option<Tensor<4>> {
        // Of queries at the end of more keys, the last columns are the bias: keys may be added without a new table.
        let most_keys = if q_len < k_len { k_len.next_power_of_two() } else { k_len };
        let key = [q_len, most_keys];
        let bias = self.bias.get(
            &self.slopes.device(),
            |kept| *kept == key,
            || (key, self.of_lengths(q_len, most_keys)),
        );
        Some(if most_keys == k_len { bias } else { bias.narrow(3, most_keys - k_len, k_len) })
    }
}

impl Alibi {
    /// `[1, n_heads, q_len, k_len]`.
    fn of_lengths(&self, q_len: usize, k_len: usize) -> Tensor<4> {
        let slopes = &self.slopes;
        let distance = |at: usize| (at / k_len + k_len).abs_diff(q_len + at % k_len) as f64;
        let distances = (0..q_len * k_len).map(|at| -distance(at)).collect();
        let data = TensorData::new(distances, [1, 1, q_len, k_len]).convert_dtype(slopes.dtype());
        let distances = Tensor::<4>::from_data(data, (&slopes.device(), slopes.dtype()));
        distances * slopes.clone().reshape([1, -1, 1, 1])
    }
}

/// How steeply each head forgets.
fn paper_slopes(n_heads: usize) -> Vec<f64> {
    let geometric = |n: usize| (0..n).map(move |head| 2_f64.powf(-8.0 * (head + 1) as f64 / n as f64));
    if n_heads.is_power_of_two() {
        return geometric(n_heads).collect();
    }
    let below = n_heads.next_power_of_two() / 2;
    geometric(below).chain(geometric(2 * below).step_by(2).take(n_heads - below)).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn a_sequence_that_grows_has_few_tables_made() {
        let init = Init::new(&Device::flex(), 1);
        let alibi = Alibi { slopes: init.tensor(vec![1.0], [1]), bias: Kept::new() };
        let mut lengths = Vec::new();
        for k_len in 2..=100 {
            let _ = alibi.bias(1, k_len);
            let kept = |&[_, most_keys]: &[usize; 2]| {
                lengths.push(most_keys);
                true
            };
            let _ = alibi.bias.get(&Device::flex(), kept, || unreachable!("there is one"));
        }
        lengths.dedup();
        assert_eq!(lengths, [2, 4, 8, 16, 32, 64, 128]);
    }

    #[test]
    fn the_slopes_are_those_of_the_paper() {
        let halves: Vec<f64> = (1..=8).map(|power| 0.5_f64.powi(power)).collect();
        assert_eq!(paper_slopes(8), halves);
        // Four of four heads, then the first and the third of eight.
        assert_eq!(paper_slopes(6), [0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125]);
        assert_eq!(paper_slopes(1), [0.00390625]);
    }
}
