//! The sequences that a layer reads: one in self-attention, two in cross-attention.

use burn::tensor::Tensor;

use super::mask::Mask;

/// Queries are made of `x`, keys and values of the source.
#[derive(Debug, Clone)]
pub(super) struct Inputs {
    /// `[batch, q_len, d_in]`.
    pub(super) x: Tensor<3>,
    /// `[batch, k_len, d_source]`; `None` where it is `x` itself.
    pub(super) source: Option<Tensor<3>>,
}

impl Inputs {
    /// Those of cross-attention.
    pub(super) fn new(x: Tensor<3>, source: Tensor<3>) -> Self {
        Self { x, source: Some(source) }
    }

    /// What keys and values are made of.
    pub(super) fn source(&self) -> &Tensor<3> {
        self.source.as_ref().unwrap_or(&self.x)
    }

    /// The same with zeros in the padding of the source, if anything of it is not finite.
    pub(super) fn clear_padding(self, mask: &Mask) -> Self {
        match self.source {
            Some(source) => Self::new(self.x, mask.clear_padding(source, 0)),
            None => mask.clear_padding(self.x, 0).into(),
        }
    }
}

/// Those of self-attention.
impl From<Tensor<3>> for Inputs {
    fn from(x: Tensor<3>) -> Self {
        Self { x, source: None }
    }
}
