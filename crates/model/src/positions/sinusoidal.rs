//! Sines and cosines of the position; nothing to train.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Place, Positions, add_rows};
use crate::error::ModelError;
use crate::init::Init;
use crate::parts::NoSettings;

/// Adds a fixed vector of sines and cosines to every token; see [`sinusoidal`].
#[derive(Module, Debug)]
pub struct SinusoidalPositions {
    table: Tensor<2>,
}

impl SinusoidalPositions {
    pub(crate) fn build(_: &NoSettings, init: &Init, place: Place) -> Result<Option<Self>, ModelError> {
        let Place::Input { max_len, d_model } = place else { return Ok(None) };
        Ok(Some(Self { table: init.tensor(sinusoidal(max_len, d_model), [max_len, d_model]) }))
    }
}

impl Positions for SinusoidalPositions {
    fn embed(&self, x: Tensor<3>, offset: usize) -> Tensor<3> {
        add_rows(x, self.table.clone(), offset)
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
