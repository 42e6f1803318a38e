//! Attention layers in which every axis has its own prime, so that no two can be swapped unnoticed.

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor};
use qkv_model::{Choice, Init, Projection, Projections, SelfAttention, SelfAttentionConfig};

use crate::support::numbers::{random_tensor, tensor};

pub const BATCH: usize = 2;
pub const N_HEADS: usize = 3;
pub const SEQ_LEN: usize = 5;
pub const D_IN: usize = 7;
pub const D_K: usize = 11;
pub const D_V: usize = 13;
pub const D_OUT: usize = 17;

pub fn dot() -> Choice {
    Choice::new("dot")
}

pub fn scaled_dot() -> Choice {
    Choice::new("scaled-dot")
}

pub fn scaled_by(scale: f64) -> Choice {
    scaled_dot().with("scale", scale)
}

pub fn additive(d_hidden: usize) -> Choice {
    Choice::new("additive").with("d_hidden", d_hidden)
}

/// One score of each kind.
pub fn scores() -> [Choice; 4] {
    [dot(), scaled_dot(), scaled_by(0.7), additive(19)]
}

/// Three heads, no biases, no W_O: the context of head `h` is columns `h·d_v .. (h+1)·d_v`.
pub fn heads(score: &Choice) -> SelfAttentionConfig {
    SelfAttentionConfig {
        n_heads: N_HEADS,
        d_v: D_V,
        score: score.clone(),
        ..SelfAttentionConfig::new(D_IN, D_K)
    }
}

/// The same with biases and W_O.
pub fn full(score: &Choice) -> SelfAttentionConfig {
    SelfAttentionConfig { bias: true, d_out: Some(D_OUT), ..heads(score) }
}

/// W_Q, W_K and W_V each learned, frozen and absent: all 27 combinations.
pub fn all_projections() -> impl Iterator<Item = Projections> {
    const EACH: [Projection; 3] = [Projection::Learned, Projection::Frozen, Projection::None];
    let combination = |n: usize| Projections { w_q: EACH[n / 9], w_k: EACH[n / 3 % 3], w_v: EACH[n % 3] };
    (0..27).map(combination)
}

/// A layer whose widths fit any of them, with biases where it has a matrix to add them to.
pub fn projected(projections: Projections) -> SelfAttentionConfig {
    SelfAttentionConfig {
        n_heads: N_HEADS,
        d_out: Some(D_OUT),
        bias: projections != Projections::all(Projection::None),
        projections,
        ..SelfAttentionConfig::new(2 * N_HEADS, 2)
    }
}

/// Builds the layer; always from the same seed.
pub fn build((device, dtype): (&Device, DType), config: &SelfAttentionConfig) -> SelfAttention {
    config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap()
}

/// The layer in which W_Q of head `h` is W_Q A and W_K is W_K A⁻ᵀ, for A = [[a, b], [c, d]] of `gauges[h]`.
pub fn in_gauges(
    place: (&Device, DType),
    layer: &SelfAttention,
    gauges: [[f64; 4]; N_HEADS],
) -> SelfAttention {
    let inverse_transposed = gauges.map(|[a, b, c, d]| {
        let determinant = a * d - b * c;
        [d, -c, -b, a].map(|entry| entry / determinant)
    });
    let times = |of_head: &dyn Fn(usize) -> Tensor<2>, matrices: [[f64; 4]; N_HEADS]| {
        let columns = matrices.iter().enumerate();
        let columns = columns.map(|(head, matrix)| of_head(head).matmul(tensor(place, matrix, [2, 2])));
        Some(Param::from_tensor(Tensor::cat(columns.collect(), 1)))
    };
    let mut other = layer.clone();
    other.w_q = times(&|head| layer.w_q(head), gauges);
    other.w_k = times(&|head| layer.w_k(head), inverse_transposed);
    other
}

/// Random input, `[batch, seq_len, d_in]`.
pub fn input(place: (&Device, DType)) -> Tensor<3> {
    random_tensor(place, "x", [BATCH, SEQ_LEN, D_IN])
}
