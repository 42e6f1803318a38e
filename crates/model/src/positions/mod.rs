//! Position schemes: attention alone has no order, because permuting its inputs permutes its outputs.

mod alibi;
mod kept;
mod learned;
mod rope;
mod sinusoidal;

pub use alibi::Alibi;
pub use learned::LearnedPositions;
pub use rope::Rope;
pub use sinusoidal::{SinusoidalPositions, sinusoidal};

use burn::module::Module;
use burn::tensor::Tensor;

use crate::erase;
use crate::error::ModelError;
use crate::head_shape::HeadShape;
use crate::init::Init;
use crate::parts::{Erased, ErasedModule, NoSettings};

/// A position scheme: it may act on the model's input, on queries and keys, or on the scores. Each method does nothing
/// unless overridden.
///
/// One object stands at the model's input and one in each attention layer ([`Place`]); those in the layers come into
/// play between the projections and the softmax:
///
/// ```text
/// x = embed(x, offset)                             once, at the model's input
/// q, k = rotate(q, k, offset)                      in every layer
/// weights = softmax(scale · scores(q, k) + bias(q_len, k_len) + mask)
/// ```
///
/// The first of the given rows stands at position `offset`: 0 where whole sequences are computed; what a model
/// [decodes](crate::Decoding) token by token comes later. Queries stand at the end of the keys, so the bias needs no offset:
/// query `i` is at position `i + k_len - q_len`.
pub trait Positions: ErasedModule {
    /// Adds to the token vectors, `[batch, seq_len, d_model]`, of positions `offset..offset + seq_len`.
    fn embed(&self, x: Tensor<3>, offset: usize) -> Tensor<3> {
        let _ = offset;
        x
    }

    /// Turns queries, `[batch, heads, q_len, d_k]`, and keys, `[batch, kv_heads, k_len, d_k]`, which both begin at
    /// position `offset`.
    fn rotate(&self, q: Tensor<4>, k: Tensor<4>, offset: usize) -> [Tensor<4>; 2] {
        let _ = offset;
        [q, k]
    }

    /// Added to the scaled scores, `[1, heads, q_len, k_len]` or what broadcasts to it, for queries at the end of the
    /// keys: of a longer sequence's bias the last rows.
    fn bias(&self, q_len: usize, k_len: usize) -> Option<Tensor<4>> {
        let _ = (q_len, k_len);
        None
    }
}

/// Where a position scheme is asked to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the token vectors of a whole model.
    Input {
        /// Length of the longest sequence.
        max_len: usize,
        /// Width of the vectors.
        d_model: usize,
    },
    /// In one attention layer.
    Attention(HeadShape),
}

/// No positions: the model cannot tell them apart.
#[derive(Module, Debug)]
pub struct NoPositions {}

impl NoPositions {
    pub(crate) fn build(_: &NoSettings, _: &Init, _: Place) -> Result<Option<Self>, ModelError> {
        Ok(None)
    }
}

impl Positions for NoPositions {}

/// Any position scheme, as [`Catalog`](crate::Catalog) hands it out. [`Erased::downcast_ref`] gets at the type inside.
pub type AnyPositions = Erased<dyn Positions>;

erase!(Positions {
    fn embed(&self, x: Tensor<3>, offset: usize) -> Tensor<3>;
    fn rotate(&self, q: Tensor<4>, k: Tensor<4>, offset: usize) -> [Tensor<4>; 2];
    fn bias(&self, q_len: usize, k_len: usize) -> Option<Tensor<4>>;
});

/// Adds rows of a table of position vectors, `[max_len, d_model]`, to `x`, the first of which stands at `offset`.
fn add_rows(x: Tensor<3>, table: Tensor<2>, offset: usize) -> Tensor<3> {
    let [_, n_rows, d_model] = x.dims();
    let [max_len, width] = table.dims();
    let seq_len = offset + n_rows;
    assert!(seq_len <= max_len, "a sequence of {seq_len} positions, but the model was built for {max_len}");
    assert_eq!(d_model, width, "width of the token vectors");
    x + table.slice(offset..seq_len).unsqueeze()
}
