//! Scores of queries against keys: the trait, and a file for each kind that is built in.
//!
//! What hides scores and makes weights of them lies outside.

mod additive;
mod dot;

pub use additive::Additive;
pub use dot::{Dot, ScaledDot};

use burn::tensor::{Tensor, einsum};

use crate::erase;
use crate::parts::{Erased, ErasedModule};

/// Compares queries with keys.
///
/// ```text
/// q, k    = prepare(q, k)                               after QK-norm and rotation
/// weights = softmax(scale · scores(q, k) + mask)
/// ```
///
/// Implement it for a module of your own, with or without parameters: autodiff gives the gradient, and
/// [`Catalog::score`](crate::Catalog::score) gives it a name. The example `custom_score` trains two.
///
/// A score that is a dot product of changed queries and keys changes them in [`prepare`](Self::prepare), and states so
/// by its [`Comparison`]: the fused kernels then compute it, in a fraction of the time and the memory.
///
/// ```
/// use burn::module::{Module, Param};
/// use burn::tensor::{Device, Tensor};
/// use qkv_model::{
///     Catalog, Choice, Comparison, Init, Mask, Mode, ModelError, NoSettings, Score, SelfAttentionConfig,
/// };
///
/// /// A learned temperature for each head: `s_ij = t_h q_i · k_j`.
/// #[derive(Module, Debug)]
/// struct Temperature {
///     /// `[heads]`.
///     t: Param<Tensor<1>>,
/// }
///
/// impl Score for Temperature {
///     fn comparison(&self) -> Comparison {
///         Comparison::PreparedDot
///     }
///
///     fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
///         [q * self.t.val().reshape([1, -1, 1, 1]), k]
///     }
/// }
///
/// let catalog = Catalog::default()
///     .score("temperature", |_: &NoSettings, init, heads| Ok(Temperature { t: init.constant([heads.n_heads], 0.5) }));
/// let mut config = SelfAttentionConfig::new(3, 2);
/// config.score = Choice::new("temperature");
/// let device = Device::flex().autodiff();
/// let layer = config.init_with(&Init::new(&device, 1), &catalog)?;
/// assert_eq!(layer.reference_reason(), None, "the kernels compute it");
/// let loss = layer.forward(Tensor::ones([1, 4, 3], &device), &Mask::none(), Mode::Evaluate).sum();
/// let score: &Temperature = layer.score.downcast_ref().expect("it keeps its type");
/// assert!(score.t.val().grad(&loss.backward()).is_some(), "and it learns");
/// # Ok::<(), ModelError>(())
/// ```
pub trait Score: ErasedModule {
    /// What the score computes, from which follows which implementation can; [`Comparison::Own`] unless overridden.
    fn comparison(&self) -> Comparison {
        Comparison::Own
    }

    /// Queries and keys as they are compared; unchanged unless overridden. Not called under [`Comparison::Dot`].
    ///
    /// # Shapes
    /// - `q`: `[batch, heads, q_len, d_k]`
    /// - `k`: `[batch, kv_heads, k_len, d_k]`, before groups of heads share it
    /// - returns both in their shapes
    fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        [q, k]
    }

    /// The scores before scaling, of prepared queries and keys; their dot product unless overridden. Called under
    /// [`Comparison::Own`] alone.
    ///
    /// # Shapes
    /// - `q`: `[batch, heads, q_len, d_k]`
    /// - `k`: `[batch, heads, k_len, d_k]`
    /// - returns `[batch, heads, q_len, k_len]`
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        dot(q, k)
    }

    /// Whether the score of a query and a key follows from these two alone, wherever they stand and whatever stands
    /// beside them: then a model that writes keeps its keys ([`KeyValueCache`](crate::KeyValueCache)) and compares new
    /// queries alone. `false` unless overridden, by which every token is computed again for each that is written. Not
    /// called under [`Comparison::Dot`].
    fn is_pairwise(&self) -> bool {
        false
    }

    /// The factor between the scores and the softmax, for keys of width `d_k`; 1 unless overridden.
    fn scale(&self, d_k: usize) -> f64 {
        let _ = d_k;
        1.0
    }
}

/// What a [`Score`] computes, from which follows which implementation can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Whatever [`Score::scores`] makes of prepared queries and keys: the reference implementation.
    Own,
    /// The dot product of what [`Score::prepare`] makes of queries and keys: the fused kernels.
    PreparedDot,
    /// The dot product of queries and keys as they are: the fused kernels, together with the projections before them.
    Dot,
}

/// `s_ij = q_i · k_j`.
pub(super) fn dot(q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
    einsum!("bhqd,bhkd->bhqk", q, k)
}

/// Any score, as [`Catalog`](crate::Catalog) hands it out. [`Erased::downcast_ref`] gets at the type inside.
pub type AnyScore = Erased<dyn Score>;

erase!(Score {
    fn comparison(&self) -> Comparison;
    fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2];
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4>;
    fn is_pairwise(&self) -> bool;
    fn scale(&self, d_k: usize) -> f64;
});
