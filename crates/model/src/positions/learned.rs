//! A trained vector for each position.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::{Place, Positions, add_rows};
use crate::error::ModelError;
use crate::init::{Init, Training};
use crate::parts::NoSettings;

/// Adds a trained vector to every token ([Gehring et al. 2017, section 3.1](https://arxiv.org/abs/1705.03122)).
///
/// ```text
/// x_t = x_t + P_t
/// ```
#[derive(Module, Debug)]
pub struct LearnedPositions {
    /// `[max_len, d_model]`; standard normal at the start, like the token vectors and PyTorch's `nn.Embedding`.
    pub learned: Param<Tensor<2>>,
}

impl LearnedPositions {
    pub(crate) fn build(_: &NoSettings, init: &Init, place: Place) -> Result<Option<Self>, ModelError> {
        let Place::Input { max_len, d_model } = place else { return Ok(None) };
        Ok(Some(Self { learned: init.normal("learned", [max_len, d_model], 1.0, Training::Learned) }))
    }
}

impl Positions for LearnedPositions {
    fn embed(&self, x: Tensor<3>, offset: usize) -> Tensor<3> {
        add_rows(x, self.learned.val(), offset)
    }
}
