//! The glossary of a transformer: every dimension and variant, as it stands in a config file.

use serde::{Deserialize, Serialize};

use super::embedding::EmbeddingsConfig;
use super::mlp::Mlp;
use crate::activation::Activation;
use crate::attention::{
    Implementation, Projection, Projections, SELF_ATTENTION, SelfAttentionConfig, Softmax,
};
use crate::catalog::Catalog;
use crate::error::{ModelError, parameters, size};
use crate::init::Init;
use crate::mask_rule::MaskConfig;
use crate::norm::{AnyNorm, NormConfig, NormKind};
use crate::parts::{Choice, one_of};

/// Configuration of a [`Transformer`](crate::Transformer).
///
/// A value that is `None` follows from the others; [`resolve`](Self::resolve) fills it in. What a config file leaves
/// out is as in [`new`](Self::new).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransformerConfig {
    /// Number of different tokens, at the input and at the output. In a config file, 0 takes the task's.
    pub vocab_size: usize,
    /// Length of the longest sequence. In a config file, 0 takes the task's.
    pub seq_len: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Number of attention heads per block.
    pub n_heads: usize,
    /// Number of heads of keys and values, which groups of heads share; `n_heads` by default.
    pub n_kv_heads: Option<usize>,
    /// Number of blocks.
    pub n_layers: usize,
    /// Width of queries and keys per head; `d_model / n_heads` by default.
    pub d_k: Option<usize>,
    /// Width of values per head; `d_model / n_heads` by default.
    pub d_v: Option<usize>,
    /// Width of the MLP's hidden layer; 0 leaves the MLP out.
    pub d_mlp: usize,
    /// What stands between the MLP's two maps, by a name in [`Catalog`].
    pub activation: Choice,
    /// Whether W_Q, W_K and W_V are learned, frozen or absent: one word for all three, or one for each.
    pub projections: Projections,
    /// Whether W_O mixes the heads' outputs; without it, `n_heads * d_v` must equal `d_model`.
    pub w_o: bool,
    /// Whether W_Q, W_K, W_V and W_O come with biases, as far as they are there.
    pub bias: bool,
    /// Which attention layer the blocks have, by a name in [`Catalog`].
    pub layer: Choice,
    /// How queries and keys are compared, by a name in [`Catalog`].
    pub score: Choice,
    /// Whether queries and keys are RMS-normalised per head before that.
    pub qk_norm: bool,
    /// Bound of the scaled scores; 0 bounds nothing.
    pub softcap: f64,
    /// What the weights of a query add up to.
    #[serde(deserialize_with = "one_of")]
    pub softmax: Softmax,
    /// Which positions see which, by a name in [`Catalog`].
    pub mask: Choice,
    /// The position scheme, by a name in [`Catalog`].
    pub positions: Choice,
    /// Whether the token vectors are trained.
    #[serde(deserialize_with = "one_of")]
    pub embeddings: EmbeddingsConfig,
    /// Where a block normalises.
    #[serde(deserialize_with = "one_of")]
    pub norm: NormConfig,
    /// What normalising means, by a name in [`Catalog`].
    pub norm_kind: Choice,
    /// Whether the unembedding is the transposed embedding table.
    pub tied: bool,
    /// Share of activations dropped in training: attention weights, sub-layer outputs and the embedding's output.
    pub dropout: f64,
    /// Which implementation computes attention.
    #[serde(deserialize_with = "one_of")]
    pub attention: Implementation,
}

impl Default for TransformerConfig {
    /// [`new`](Self::new) with a width of 32 and the sizes of the task.
    fn default() -> Self {
        Self::new(0, 0, 32)
    }
}

impl TransformerConfig {
    /// One attention-only pre-norm block with one head: the smallest model that learns something worth seeing.
    pub fn new(vocab_size: usize, seq_len: usize, d_model: usize) -> Self {
        Self {
            vocab_size,
            seq_len,
            d_model,
            n_heads: 1,
            n_kv_heads: None,
            n_layers: 1,
            d_k: None,
            d_v: None,
            d_mlp: 0,
            activation: Activation::Gelu.into(),
            projections: Projections::all(Projection::Learned),
            w_o: false,
            bias: false,
            layer: Choice::new(SELF_ATTENTION),
            score: Choice::new("scaled-dot"),
            qk_norm: false,
            softcap: 0.0,
            softmax: Softmax::Standard,
            mask: MaskConfig::None.into(),
            positions: Choice::new("sinusoidal"),
            embeddings: EmbeddingsConfig::Learned,
            norm: NormConfig::Pre,
            norm_kind: NormKind::Layer.into(),
            tied: false,
            dropout: 0.0,
            attention: Implementation::Auto,
        }
    }

    /// This configuration with every open value filled in.
    ///
    /// # Errors
    /// If a number is out of range, two of them do not fit, or `catalog` lacks a name.
    pub fn resolve(&self, catalog: &Catalog) -> Result<Self, ModelError> {
        for (name, value) in [
            ("vocab_size", self.vocab_size),
            ("seq_len", self.seq_len),
            ("d_model", self.d_model),
            ("n_heads", self.n_heads),
            ("n_layers", self.n_layers),
        ] {
            size(name, value)?;
        }
        let Self { d_model, n_heads, .. } = *self;
        let share = |given: Option<usize>| match given {
            Some(given) => Ok(given),
            None if d_model.is_multiple_of(n_heads) => Ok(d_model / n_heads),
            None => Err(ModelError::HeadsDoNotDivide { d_model, n_heads }),
        };
        let d_k = size("d_k", share(self.d_k)?)?;
        let d_v = size("d_v", share(self.d_v)?)?;
        let resolved = Self {
            n_kv_heads: self.n_kv_heads.or(Some(n_heads)),
            d_k: Some(d_k),
            d_v: Some(d_v),
            ..self.with_settings(catalog)?
        };
        // Before the missing W_O, because identity projections cannot have another width with it either.
        resolved.attention().check()?;
        if !self.w_o && n_heads * d_v != d_model {
            return Err(ModelError::OutputDoesNotFit { d_model, n_heads, d_v });
        }
        if resolved.d_mlp > 0 {
            size("d_mlp", resolved.d_mlp)?;
        }
        parameters(resolved.n_parameters())?;
        Ok(resolved)
    }

    /// This configuration with every setting of what it names filled in.
    fn with_settings(&self, catalog: &Catalog) -> Result<Self, ModelError> {
        Ok(Self {
            layer: catalog.attentions.read(&self.layer)?.choice,
            score: catalog.scores.read(&self.score)?.choice,
            positions: catalog.positions.read(&self.positions)?.choice,
            mask: catalog.masks.read(&self.mask)?.choice,
            norm_kind: catalog.norms.read(&self.norm_kind)?.choice,
            activation: catalog.activations.read(&self.activation)?.choice,
            ..self.clone()
        })
    }

    /// About how many parameters the model has; matrices only, which are nearly all.
    fn n_parameters(&self) -> usize {
        let block = self.attention().n_parameters().saturating_add(3 * self.d_model * self.d_mlp);
        let tables = self.d_model * (2 * self.vocab_size + self.seq_len);
        block.saturating_mul(self.n_layers).saturating_add(tables)
    }

    /// A norm of the residual stream; `None` where nothing normalises it.
    pub(crate) fn init_norm(&self, init: &Init, catalog: &Catalog) -> Result<Option<AnyNorm>, ModelError> {
        let norm = || catalog.build_norm(&self.norm_kind, init, self.d_model);
        (self.norm != NormConfig::None).then(norm).transpose()
    }

    /// The MLP of a block.
    pub(crate) fn init_mlp(&self, init: &Init, catalog: &Catalog) -> Result<Mlp, ModelError> {
        let activation = catalog.build_activation(&self.activation, &init.enter("activation"), self.d_mlp)?;
        Ok(Mlp::new(activation, init, self.d_model, self.d_mlp))
    }

    /// The attention layer of each block; `self` must be resolved.
    pub(crate) fn attention(&self) -> SelfAttentionConfig {
        let resolved = |size: Option<usize>| size.expect("a resolved config has its head sizes");
        SelfAttentionConfig {
            d_in: self.d_model,
            d_k: resolved(self.d_k),
            d_v: resolved(self.d_v),
            d_out: self.w_o.then_some(self.d_model),
            n_heads: self.n_heads,
            n_kv_heads: self.n_kv_heads,
            bias: self.bias,
            projections: self.projections,
            score: self.score.clone(),
            positions: self.positions.clone(),
            qk_norm: self.qk_norm,
            softcap: self.softcap,
            softmax: self.softmax,
            dropout: self.dropout,
            implementation: self.attention,
        }
    }
}
