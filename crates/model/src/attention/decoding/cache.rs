//! Keys and values that a layer keeps, so that a model which writes computes each of them once.

use burn::tensor::{Int, Tensor};

/// The keys and values of one attention layer for the positions so far.
///
/// Keys are kept as they are compared, after QK-norm and rotation but before
/// [`Score::prepare`](crate::Score::prepare), with the heads that groups share once.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use qkv_model::{CausalAlign, Init, KeyValueCache, Mask, Mode, SelfAttentionConfig};
///
/// let device = Device::flex();
/// let attention = SelfAttentionConfig::new(3, 2).init(&Init::new(&device, 1))?;
/// let x = Tensor::<3>::from_floats([[[1., 2., 3.], [4., 5., 6.], [7., 8., 9.]]], &device);
/// let mask = Mask::causal(CausalAlign::TopLeft);
/// let whole = attention.forward(x.clone(), &mask, Mode::Evaluate);
///
/// let mut cache = KeyValueCache::default();
/// for at in 0..3 {
///     let mask = mask.last_rows(1, at + 1);
///     let row = attention.forward_cached(x.clone().narrow(1, at, 1), &mask, &mut cache);
///     let difference = (row - whole.clone().narrow(1, at, 1)).abs().max().into_scalar::<f32>();
///     assert!(difference < 1e-6);
/// }
/// assert_eq!(cache.len(), 3);
/// # Ok::<(), qkv_model::ModelError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct KeyValueCache {
    /// Keys `[batch, k_len, kv_heads, d_k]` and values `[batch, k_len, kv_heads, d_v]`, as the kernels read them;
    /// `None` before the first.
    kept: Option<[Tensor<4>; 2]>,
}

impl KeyValueCache {
    /// Number of positions that are kept.
    pub fn len(&self) -> usize {
        self.kept.as_ref().map_or(0, |[k, _]| k.dims()[1])
    }

    /// Whether no position is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds the keys and values of the positions that come next, and returns those of all.
    ///
    /// # Shapes
    /// - `k`: `[batch, kv_heads, n, d_k]`
    /// - `v`: `[batch, kv_heads, n, d_v]`
    /// - returns `[batch, kv_heads, k_len, d_k]` and `[batch, kv_heads, k_len, d_v]`
    ///
    /// # Panics
    /// If another axis or the precision differs from what is kept.
    pub fn append(&mut self, k: Tensor<4>, v: Tensor<4>) -> [Tensor<4>; 2] {
        let new = [k, v].map(|x| x.swap_dims(1, 2));
        let all = match self.kept.take() {
            None => new,
            Some(kept) => {
                let mut new = new.into_iter();
                kept.map(|kept| Tensor::cat(std::iter::once(kept).chain(new.next()).collect(), 1))
            }
        };
        self.kept = Some(all.clone());
        heads_first(all)
    }

    /// The keys and values of all positions, as [`append`](Self::append) returns them; `None` before the first.
    pub fn keys_values(&self) -> Option<[Tensor<4>; 2]> {
        self.kept.clone().map(heads_first)
    }

    /// Keeps these batch entries alone, in this order.
    pub fn select(&mut self, entries: &Tensor<1, Int>) {
        self.kept = self.kept.take().map(|kept| kept.map(|x| x.select(0, entries.clone())));
    }
}

fn heads_first(keys_values: [Tensor<4>; 2]) -> [Tensor<4>; 2] {
    keys_values.map(|x| x.swap_dims(1, 2))
}
