//! Where a token stands: attention alone does not know, because permuting its inputs permutes its outputs.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, assert_shape};
use serde::{Deserialize, Serialize};

use crate::init::{Init, Training};

/// Which position scheme a model uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PositionsConfig {
    /// The model cannot tell positions apart.
    None,
    /// A trained vector for each position.
    Learned,
    /// Sines and cosines; nothing to train.
    Sinusoidal,
}

/// Adds position `t`'s vector to every input at position `t`.
#[derive(Module, Debug)]
pub struct Positions {
    /// The trained vectors, `[max_len, d_model]`.
    pub learned: Option<Param<Tensor<2>>>,
    fixed: Option<Tensor<2>>,
}

impl PositionsConfig {
    /// Vectors for sequences of up to `max_len` positions.
    pub fn init(self, init: &Init, max_len: usize, d_model: usize) -> Positions {
        let shape = [max_len, d_model];
        match self {
            Self::None => Positions { learned: None, fixed: None },
            // The scale of the token vectors and of PyTorch's `nn.Embedding`.
            Self::Learned => Positions {
                learned: Some(init.normal("learned", shape, 1.0, Training::Learned)),
                fixed: None,
            },
            Self::Sinusoidal => {
                Positions { learned: None, fixed: Some(init.tensor(sinusoidal(max_len, d_model), shape)) }
            }
        }
    }
}

impl Positions {
    /// # Shapes
    /// - `x`: `[batch, seq_len, d_model]`, with `seq_len` at most the `max_len` given at the start
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [_, seq_len, d_model] = x.dims();
        let Some(table) = self.learned.as_ref().map(Param::val).or_else(|| self.fixed.clone()) else {
            return x;
        };
        let [max_len, _] = table.dims();
        assert!(
            seq_len <= max_len,
            "a sequence of {seq_len} positions, but the model was built for {max_len}"
        );
        assert_shape!(table, [max_len, d_model]);
        x + table.slice(0..seq_len).unsqueeze()
    }
}

/// Sinusoidal positions ([Vaswani et al. 2017, section 3.5](https://arxiv.org/abs/1706.03762)), row-major `[len, d]`.
///
/// ```text
/// p(t, 2i) = sin(t / 10000^(2i/d))      p(t, 2i+1) = cos(t / 10000^(2i/d))
/// ```
pub fn sinusoidal(len: usize, d: usize) -> Vec<f64> {
    let value = |t: usize, column: usize| {
        let pair = (column - column % 2) as f64;
        let angle = t as f64 / 10_000_f64.powf(pair / d as f64);
        if column.is_multiple_of(2) { angle.sin() } else { angle.cos() }
    };
    (0..len).flat_map(|t| (0..d).map(move |column| value(t, column))).collect()
}

#[cfg(test)]
mod tests {
    use super::sinusoidal;

    #[test]
    fn sinusoidal_positions_by_hand() {
        // d = 4: the frequencies are 1 and 1/100.
        let table = sinusoidal(3, 4);
        assert_eq!(table[..4], [0.0, 1.0, 0.0, 1.0]);
        let expected = [2_f64.sin(), 2_f64.cos(), 0.02_f64.sin(), 0.02_f64.cos()];
        for (got, want) in table[8..].iter().zip(expected) {
            assert!((got - want).abs() < 1e-15, "{got} instead of {want}");
        }
    }

    #[test]
    fn an_odd_width_ends_with_a_sine() {
        assert_eq!(sinusoidal(1, 3), [0.0, 1.0, 0.0]);
    }
}
