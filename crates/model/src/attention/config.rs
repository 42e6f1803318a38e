//! The dimensions and variants of one attention layer, checked before anything is built.

use serde::{Deserialize, Serialize};

use super::SelfAttention;
use super::Softmax;
use super::implementations::Implementation;
use super::projections::{Projection, Projections};
use super::qk_norm::QkNorm;
use crate::catalog::Catalog;
use crate::dropout::Dropout;
use crate::error::{ModelError, parameters, size};
use crate::head_shape::HeadShape;
use crate::init::{Init, Training};
use crate::parts::Choice;
use crate::positions::Place;

/// Configuration of [`SelfAttention`], and of [`CrossAttention`](super::CrossAttention) but for the width of its source.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, SelfAttentionConfig};
///
/// let mut config = SelfAttentionConfig::new(3, 2);
/// config.d_v = 5;
/// let attention = config.init(&Init::new(&Device::flex(), 1))?;
/// assert_eq!(attention.w_q(0).dims(), [3, 2]);
/// assert_eq!(attention.w_v(0).dims(), [3, 5]);
/// # Ok::<(), qkv_model::ModelError>(())
/// ```
///
/// In a file, `d_in`, `d_k` and `d_v` must be given; what else it leaves out is as in [`new`](Self::new).
///
/// ```
/// use qkv_model::{SelfAttentionConfig, Softmax};
///
/// let config: SelfAttentionConfig =
///     serde_json::from_str(r#"{ "d_in": 3, "d_k": 2, "d_v": 2, "softmax": "quiet" }"#).expect("known keys");
/// assert_eq!(config, SelfAttentionConfig { softmax: Softmax::Quiet, ..SelfAttentionConfig::new(3, 2) });
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SelfAttentionConfig {
    /// Width of the input.
    pub d_in: usize,
    /// Width of queries and keys per head.
    pub d_k: usize,
    /// Width of values per head; `new` takes `d_k`.
    pub d_v: usize,
    /// Width after the output projection W_O; `None`, the default, leaves W_O out.
    pub d_out: Option<usize>,
    /// Number of heads; 1 by default.
    pub n_heads: usize,
    /// Whether the projections add a bias, those that have a matrix; `false` by default.
    pub bias: bool,
    /// What W_Q, W_K and W_V are, learned by default; W_O, where there is one, is always learned.
    pub projections: Projections,
    /// Number of heads of keys and values, which groups of `n_heads / n_kv_heads` heads share; `None`, the default, is
    /// `n_heads`. One is multi-query attention ([Shazeer 2019](https://arxiv.org/abs/1911.02150)).
    pub n_kv_heads: Option<usize>,
    /// How queries and keys are compared, by a name in [`Catalog`]; `scaled-dot` by default.
    pub score: Choice,
    /// Which position scheme acts in the layer, by a name in [`Catalog`]; `none` by default.
    pub positions: Choice,
    /// Whether queries and keys are RMS-normalised per head; `false` by default. See [`QkNorm`].
    pub qk_norm: bool,
    /// Bound of the scaled scores; 0, the default, bounds nothing.
    pub softcap: f64,
    /// What the weights add up to.
    pub softmax: Softmax,
    /// Share of the attention weights dropped in training, in `[0, 1)`; 0 by default.
    pub dropout: f64,
    /// Which implementation computes attention; `auto` by default.
    #[serde(alias = "form")] // its former name in files
    pub implementation: Implementation,
}

impl Default for SelfAttentionConfig {
    /// [`new`](Self::new) without widths, which have to be given.
    fn default() -> Self {
        Self::new(0, 0)
    }
}

impl SelfAttentionConfig {
    /// One head with scaled dot products, without biases and without W_O.
    pub fn new(d_in: usize, d_k: usize) -> Self {
        Self {
            d_in,
            d_k,
            d_v: d_k,
            d_out: None,
            n_heads: 1,
            bias: false,
            projections: Projections::all(Projection::Learned),
            n_kv_heads: None,
            score: Choice::new("scaled-dot"),
            positions: Choice::new("none"),
            qk_norm: false,
            softcap: 0.0,
            softmax: Softmax::Standard,
            dropout: 0.0,
            implementation: Implementation::Auto,
        }
    }

    /// Builds the layer with the built-in scores and position schemes.
    ///
    /// # Errors
    /// If a dimension is zero, a rate is out of range, two numbers do not fit, or nothing has a name that is asked for.
    pub fn init(&self, init: &Init) -> Result<SelfAttention, ModelError> {
        self.init_with(init, &Catalog::default())
    }

    /// Builds the layer with what has a name in `catalog`.
    ///
    /// # Errors
    /// As [`init`](Self::init).
    pub fn init_with(&self, init: &Init, catalog: &Catalog) -> Result<SelfAttention, ModelError> {
        self.init_from(self.d_in, init, catalog)
    }

    /// The layer whose keys and values are made of vectors of width `d_source`.
    pub(super) fn init_from(
        &self,
        d_source: usize,
        init: &Init,
        catalog: &Catalog,
    ) -> Result<SelfAttention, ModelError> {
        self.check_from(d_source)?;
        let Self { d_in, d_k, d_v, n_heads, .. } = *self;
        let n_kv_heads = self.n_kv_heads();
        let heads = HeadShape { n_heads, d_k };
        let [q, k, v] = self.projections.each().map(Projection::training);
        let matrix = |name, rows: usize, columns, training| {
            init.uniform(name, [rows, columns], 1.0 / (rows as f64).sqrt(), training)
        };
        let qkv_matrix = |name, rows, columns, training: Option<_>| {
            training.map(|training| matrix(name, rows, columns, training))
        };
        let qkv_bias = |name, rows: usize, width, training: Option<_>| {
            let training = training.filter(|_| self.bias);
            training.map(|training| init.uniform(name, [width], 1.0 / (rows as f64).sqrt(), training))
        };
        let attention = SelfAttention {
            w_q: qkv_matrix("w_q", d_in, n_heads * d_k, q),
            w_k: qkv_matrix("w_k", d_source, n_kv_heads * d_k, k),
            w_v: qkv_matrix("w_v", d_source, n_kv_heads * d_v, v),
            w_o: self.d_out.map(|d_out| matrix("w_o", n_heads * d_v, d_out, Training::Learned)),
            b_q: qkv_bias("b_q", d_in, n_heads * d_k, q),
            b_k: qkv_bias("b_k", d_source, n_kv_heads * d_k, k),
            b_v: qkv_bias("b_v", d_source, n_kv_heads * d_v, v),
            b_o: self.d_out.filter(|_| self.bias).map(|d_out| {
                init.uniform("b_o", [d_out], 1.0 / ((n_heads * d_v) as f64).sqrt(), Training::Learned)
            }),
            score: catalog.build_score(&self.score, &init.enter("score"), heads)?,
            positions: catalog.build_positions(
                &self.positions,
                &init.enter("positions"),
                Place::Attention(heads),
            )?,
            qk_norm: self.qk_norm.then(|| QkNorm::new(init, d_k)),
            dropout: Dropout::new(init, "weights", self.dropout)?,
            softcap: (self.softcap > 0.0).then_some(self.softcap),
            softmax: self.softmax,
            device_and_dtype: init.tensor(vec![1.0], [1]),
            d_in,
            d_source,
            d_k,
            d_v,
            d_out: self.d_out.unwrap_or(n_heads * d_v),
            n_heads,
            n_kv_heads,
            implementation: self.implementation,
        };
        match attention.reference_reason() {
            Some(reason) if self.implementation == Implementation::Fused => {
                Err(ModelError::NoFusedImplementation { reason })
            }
            _ => Ok(attention),
        }
    }

    fn n_kv_heads(&self) -> usize {
        self.n_kv_heads.unwrap_or(self.n_heads)
    }

    /// Everything that [`init`](Self::init) would refuse.
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        self.check_from(self.d_in)
    }

    fn check_from(&self, d_source: usize) -> Result<(), ModelError> {
        let Self { d_in, d_k, d_v, n_heads, .. } = *self;
        let sizes =
            [("d_in", d_in), ("d_source", d_source), ("d_k", d_k), ("d_v", d_v), ("n_heads", n_heads)];
        for (name, value) in sizes {
            size(name, value)?;
        }
        if let Some(d_out) = self.d_out {
            size("d_out", d_out)?;
        }
        let n_kv_heads = size("n_kv_heads", self.n_kv_heads())?;
        if !n_heads.is_multiple_of(n_kv_heads) {
            return Err(ModelError::GroupsDoNotDivide { n_heads, n_kv_heads });
        }
        let expected = "a finite number of at least 0, which turns it off";
        ModelError::check_number("softcap", self.softcap, expected, self.softcap >= 0.0)?;
        self.check_absent(d_source, n_kv_heads)?;
        crate::dropout::check(self.dropout)?;
        parameters(self.n_parameters_from(d_source))
    }

    /// What a matrix that is absent would make is the input itself: as wide, and every head's own.
    fn check_absent(&self, d_source: usize, n_kv_heads: usize) -> Result<(), ModelError> {
        let Self { d_in, d_k, d_v, n_heads, .. } = *self;
        let absent = self.projections.keys_of_absent();
        let widths = [(d_in, "d_k", d_k), (d_source, "d_k", d_k), (d_source, "d_v", d_v)];
        for (key, (d_in, name, size)) in absent.into_iter().zip(widths) {
            if let Some(key) = key.filter(|_| n_heads * size != d_in) {
                return Err(ModelError::IdentityChangesWidth { key, name, n_heads, size, d_in });
            }
        }
        let [_, w_k, w_v] = absent;
        if let Some(key) = w_k.or(w_v).filter(|_| n_kv_heads != n_heads) {
            return Err(ModelError::IdentityHasNoGroups { key, n_heads, n_kv_heads });
        }
        if self.bias && absent.iter().all(Option::is_some) {
            return Err(ModelError::IdentityHasNoBias);
        }
        Ok(())
    }

    /// How many parameters the matrices have, which are nearly all of the layer.
    pub(crate) fn n_parameters(&self) -> usize {
        self.n_parameters_from(self.d_in)
    }

    /// The same where keys and values are made of vectors of width `d_source`.
    pub(crate) fn n_parameters_from(&self, d_source: usize) -> usize {
        let [q, kv] = [self.n_heads, self.n_kv_heads()];
        let queries = self.d_in.saturating_mul(q * self.d_k);
        let keys_values = d_source.saturating_mul(kv * (self.d_k + self.d_v));
        let output = (q * self.d_v).saturating_mul(self.d_out.unwrap_or(0));
        queries.saturating_add(keys_values).saturating_add(output)
    }
}
