//! Grouped-query attention: heads of queries that share keys and values.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use qkv_model::{
    AttentionSpec, CausalAlign, Dot, Mask, Mode, SelfAttention, SelfAttentionConfig, attention_with_weights,
};

use crate::support::backends::{places, tolerance};
use crate::support::layers::{D_IN, D_K, D_OUT, D_V, build, full, input, scaled_dot, scores};
use crate::support::numbers::{assert_close, tensor, values};
use crate::support::parameters::assert_same;

const N_HEADS: usize = 6;

fn grouped(n_kv_heads: Option<usize>) -> SelfAttentionConfig {
    SelfAttentionConfig { n_heads: N_HEADS, n_kv_heads, ..full(&scaled_dot()) }
}

#[test]
fn four_heads_of_queries_and_two_of_keys_by_hand() {
    // Scores are ln 2 or ln 3 times a key of 0 or 1, so that weights are thirds and fourths. Heads 0 and 1 look at
    // keys (0, 1) with values (0, 12), heads 2 and 3 at keys (1, 0) with values (0, 24):
    //   (1/3, 2/3) · (0, 12) = 8     (1/4, 3/4) · (0, 12) = 9     (2/3, 1/3) · (0, 24) = 8     (3/4, 1/4) · (0, 24) = 6
    let (ln_2, ln_3) = (2_f64.ln(), 3_f64.ln());
    for place @ (_, dtype) in places() {
        let q: Tensor<4> = tensor(place, &[ln_2, ln_3, ln_2, ln_3], [1, 4, 1, 1]);
        let k = tensor(place, &[0.0, 1.0, 1.0, 0.0], [1, 2, 2, 1]);
        let v = tensor(place, &[0.0, 12.0, 0.0, 24.0], [1, 2, 2, 1]);
        let context = attention_with_weights(&AttentionSpec::new(&Dot {}), q, k, v, &Mask::none()).context;
        assert_close("context", &values(&context), &[8.0, 9.0, 8.0, 6.0], tolerance(dtype, 1e-6, 1e-14));
    }
}

#[test]
fn it_is_multi_head_attention_with_repeated_columns_of_w_k_and_w_v() {
    for place @ (_, dtype) in places() {
        for score in scores() {
            for n_kv_heads in [1, 2, 3] {
                let config = SelfAttentionConfig { score: score.clone(), ..grouped(Some(n_kv_heads)) };
                let shared = build(place, &config);
                let mut repeated =
                    build(place, &SelfAttentionConfig { score: score.clone(), ..grouped(None) });
                let beside = |of_head: &dyn Fn(usize) -> Tensor<2>| {
                    Some(Param::from_tensor(Tensor::cat((0..N_HEADS).map(of_head).collect(), 1)))
                };
                // Biases repeat as columns do.
                let biases = |b: &Option<Param<Tensor<1>>>, width: usize| {
                    let b = b.as_ref().unwrap().val();
                    let of_head = |head: usize| b.clone().narrow(0, shared.kv_head(head) * width, width);
                    Some(Param::from_tensor(Tensor::cat((0..N_HEADS).map(of_head).collect(), 0)))
                };
                repeated.w_q = shared.w_q.clone();
                repeated.w_k = beside(&|head| shared.w_k(head));
                repeated.w_v = beside(&|head| shared.w_v(head));
                repeated.b_q = shared.b_q.clone();
                repeated.b_k = biases(&shared.b_k, D_K);
                repeated.b_v = biases(&shared.b_v, D_V);
                for mask in [Mask::none(), Mask::causal(CausalAlign::TopLeft), Mask::padding(vec![2, 5])] {
                    let of = |layer: &SelfAttention| {
                        layer.forward_with_weights(input(place), &mask, Mode::Evaluate)
                    };
                    let (got, want) = (of(&shared), of(&repeated));
                    let rounding = tolerance(dtype, 1e-6, 1e-14);
                    assert_close("weights", &values(&got.weights), &values(&want.weights), rounding);
                    assert_close("context", &values(&got.output), &values(&want.output), rounding);
                }
            }
        }
    }
}

#[test]
fn as_many_heads_of_keys_as_of_queries_changes_no_bit() {
    for place in places() {
        let (given, open) = (build(place, &grouped(Some(N_HEADS))), build(place, &grouped(None)));
        assert_same("weights", &given, &open);
        let of =
            |layer: &SelfAttention| layer.forward_with_weights(input(place), &Mask::none(), Mode::Evaluate);
        let (given, open) = (of(&given), of(&open));
        assert_eq!(values(&given.weights), values(&open.weights));
        assert_eq!(values(&given.output), values(&open.output));
    }
}

#[test]
fn a_group_shares_its_matrices_and_neighbours_form_a_group() {
    for place in places() {
        let layer = build(place, &grouped(Some(2)));
        assert_eq!((layer.n_heads(), layer.n_kv_heads()), (6, 2));
        assert_eq!([0, 1, 2, 3, 4, 5].map(|head| layer.kv_head(head)), [0, 0, 0, 1, 1, 1]);
        for matrix in [SelfAttention::w_k, SelfAttention::w_v] {
            let of_head = |head| values(&matrix(&layer, head));
            assert_eq!(of_head(0), of_head(2));
            assert_ne!(of_head(2), of_head(3));
            assert_eq!(of_head(3), of_head(5));
        }
        assert_ne!(values(&layer.w_q(0)), values(&layer.w_q(1)));
        let trace = layer.trace(input(place).narrow(0, 0, 1).squeeze_dim(0), &Mask::none(), 1, 4);
        assert_eq!(values(&trace.w_k), values(&layer.w_k(3)));
        let [_, k, v] = layer.project(input(place));
        assert_eq!(values(&trace.k), values(&k.slice([0..1, 1..2])));
        assert_eq!(values(&trace.v), values(&v.slice([0..1, 1..2])));
    }
}

#[test]
fn only_keys_and_values_get_smaller() {
    for place in places() {
        let n = |n_kv_heads| build(place, &grouped(n_kv_heads)).num_params();
        // Matrices and biases of the five heads of keys and values that are gone.
        assert_eq!(n(None) - n(Some(1)), 5 * (D_IN + 1) * (D_K + D_V));
        assert_eq!(n(None), (D_IN + 1) * N_HEADS * (2 * D_K + D_V) + (N_HEADS * D_V + 1) * D_OUT);
    }
}
