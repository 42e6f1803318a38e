//! Passes over new positions alone, with the keys and values of the others in a cache.

mod cache;

pub use cache::KeyValueCache;

use burn::tensor::Tensor;

use crate::attention::SelfAttention;
use crate::attention::cross::CrossAttention;
use crate::attention::heads::join_heads;
use crate::attention::inputs::Inputs;
use crate::attention::mask::Mask;
use crate::attention::score::{Comparison, Score};
use crate::attention::spec::attention;
use crate::mode::Mode;

impl SelfAttention {
    /// The output for the positions that come next, whose keys and values `cache` takes up: what
    /// [`forward`](Self::forward) gives at these positions for the whole sequence, without dropout, where the mask hides
    /// later positions from earlier ones and the layer [keeps its keys](Self::keeps_keys).
    ///
    /// # Shapes
    /// - `x`: `[batch, n, d_in]`
    /// - `mask`: for scores `[batch, heads, n, k_len]` of the new queries and all keys, the new ones included; see
    ///   [`Mask::last_rows`]
    /// - returns `[batch, n, d_out]`
    ///
    /// # Panics
    /// If the batch of the cache is another one, and as [`forward`](Self::forward).
    pub fn forward_cached(&self, x: Tensor<3>, mask: &Mask, cache: &mut KeyValueCache) -> Tensor<3> {
        self.project_out(self.context_cached(x, mask, cache))
    }

    /// `residual + forward_cached(x)`.
    pub(crate) fn forward_cached_onto(
        &self,
        residual: Tensor<3>,
        x: Tensor<3>,
        mask: &Mask,
        cache: &mut KeyValueCache,
    ) -> Tensor<3> {
        self.project_onto(residual, join_heads(self.context_cached(x, mask, cache)))
    }

    /// Whether a query's scores follow from the query and each key alone, so that keys can be kept: always under dot
    /// products, else as the score [states](Score::is_pairwise).
    pub fn keeps_keys(&self) -> bool {
        self.score.comparison() == Comparison::Dot || self.score.is_pairwise()
    }

    fn context_cached(&self, x: Tensor<3>, mask: &Mask, cache: &mut KeyValueCache) -> Tensor<4> {
        let offset = cache.len();
        let [q, k, v] = self.project_of(mask.clear_padding(x, offset).into());
        let [q, k] = self.norm_and_rotate([q, k], offset);
        let [k, v] = cache.append(k, v);
        attention(&self.spec(Mode::Evaluate), q, k, v, mask)
    }
}

impl CrossAttention {
    /// The keys and values of a source, made once for all queries to it; see [`forward_cached`](Self::forward_cached).
    ///
    /// # Shapes
    /// - `source`: `[batch, k_len, d_source]`
    ///
    /// # Panics
    /// If it does not have the width or the precision of the layer.
    pub fn read(&self, source: Tensor<3>) -> KeyValueCache {
        let attention = &self.attention;
        let [batch, _, _] = source.dims();
        // Norms and rotations take both, queries and keys.
        let any_x = Tensor::zeros([batch, 1, attention.d_in], (&source.device(), source.dtype()));
        let [q, k, v] = attention.project_of(Inputs::new(any_x, source));
        let [_, k] = attention.norm_and_rotate([q, k], 0);
        let mut cache = KeyValueCache::default();
        cache.append(k, v);
        cache
    }

    /// The output for positions of `x` from position `offset` on, with what [`read`](Self::read) made of the source:
    /// what [`forward`](Self::forward) gives for the last of all `x` so far, without dropout, where the layer
    /// [keeps its keys](SelfAttention::keeps_keys).
    ///
    /// # Shapes
    /// - `x`: `[batch, n, d_in]`
    /// - `mask`: for scores `[batch, heads, n, k_len]`
    /// - returns `[batch, n, d_out]`
    ///
    /// # Panics
    /// If the batch of the source is another one, and as [`forward`](Self::forward).
    pub fn forward_cached(
        &self,
        x: Tensor<3>,
        source: &KeyValueCache,
        mask: &Mask,
        offset: usize,
    ) -> Tensor<3> {
        self.attention.project_out(self.context_cached(x, source, mask, offset))
    }

    /// `residual + forward_cached(x)`.
    pub(crate) fn forward_cached_onto(
        &self,
        [residual, x]: [Tensor<3>; 2],
        source: &KeyValueCache,
        mask: &Mask,
        offset: usize,
    ) -> Tensor<3> {
        self.attention.project_onto(residual, join_heads(self.context_cached(x, source, mask, offset)))
    }

    fn context_cached(&self, x: Tensor<3>, source: &KeyValueCache, mask: &Mask, offset: usize) -> Tensor<4> {
        let attention_layer = &self.attention;
        attention_layer.check_x(&x);
        let [k, v] = source.keys_values().expect("a source that was read");
        let any_key = if k.dims()[2] == 0 { k.clone() } else { k.clone().narrow(2, 0, 1) };
        let [q, _] = attention_layer.norm_and_rotate([attention_layer.project_queries(x), any_key], offset);
        attention(&attention_layer.spec(Mode::Evaluate), q, k, v, mask)
    }
}
