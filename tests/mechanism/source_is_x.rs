//! Self-attention is the cross-attention whose source is its input.

use burn::tensor::{DType, Device};
use qkv_model::{
    CausalAlign, Choice, CrossAttention, Implementation, Mask, Mode, Query, SelfAttention,
    SelfAttentionConfig, Softmax, Stage,
};

use crate::support::backends::places;
use crate::support::layers::{
    D_IN, N_HEADS, SEQ_LEN, all_projections, build, full, input, projected, scores,
};
use crate::support::numbers::{bools, random_tensor, values};

fn configs() -> Vec<SelfAttentionConfig> {
    let score_configs = scores().map(|score| SelfAttentionConfig { d_k: 6, ..full(&score) });
    let base = score_configs[1].clone();
    let variants = [
        SelfAttentionConfig { n_kv_heads: Some(1), ..base.clone() },
        SelfAttentionConfig { positions: Choice::new("rope"), ..base.clone() },
        SelfAttentionConfig { positions: Choice::new("alibi"), qk_norm: true, ..base.clone() },
        SelfAttentionConfig { softcap: 0.5, softmax: Softmax::Quiet, ..base.clone() },
        SelfAttentionConfig { bias: false, ..base },
    ];
    score_configs.into_iter().chain(variants).chain(all_projections().map(projected)).collect()
}

fn masks((device, dtype): (&Device, DType)) -> [Mask; 5] {
    let hidden: Vec<bool> = (0..SEQ_LEN * SEQ_LEN).map(|at| at % 3 == 1 || at / SEQ_LEN == 2).collect();
    [
        Mask::none(),
        Mask::causal(CausalAlign::TopLeft),
        Mask::padding(vec![2, 5]),
        Mask::hidden(bools(device, &hidden, [1, 1, SEQ_LEN, SEQ_LEN])),
        Mask::bias(random_tensor((device, dtype), "bias", [1, N_HEADS, 1, SEQ_LEN])),
    ]
}

#[test]
fn to_the_last_bit() {
    for place in places() {
        for implementation in [Implementation::Auto, Implementation::Reference] {
            for config in configs() {
                let config = SelfAttentionConfig { implementation, ..config };
                let layer: SelfAttention = build(place, &config);
                let cross = CrossAttention { attention: layer.clone() };
                let x = match config.d_in {
                    D_IN => input(place),
                    d_in => random_tensor(place, "x", [2, SEQ_LEN, d_in]),
                };
                for mask in masks(place) {
                    let source = || x.clone();
                    let whole = layer.forward(x.clone(), &mask, Mode::Evaluate);
                    let from_itself = cross.forward(x.clone(), source(), &mask, Mode::Evaluate);
                    assert_eq!(values(&from_itself), values(&whole), "{config:?}, {mask:?}");
                    let shown = layer.forward_with_weights(x.clone(), &mask, Mode::Evaluate);
                    let from_itself = cross.forward_with_weights(x.clone(), source(), &mask, Mode::Evaluate);
                    assert_eq!(values(&from_itself.weights), values(&shown.weights), "{config:?}");
                    assert_eq!(values(&from_itself.output), values(&shown.output), "{config:?}");
                    let heads = layer.head_outputs(x.clone(), &mask);
                    for (one, other) in heads.iter().zip(cross.head_outputs(x.clone(), source(), &mask)) {
                        assert_eq!(values(one), values(&other), "{config:?}");
                    }
                }
                let place = Query { layer: 0, head: N_HEADS - 1, position: 3 };
                let x = x.narrow(0, 0, 1).squeeze_dim::<2>(0);
                let trace = layer.trace(x.clone(), &Mask::none(), place.position, place.head);
                let mut nothing = |_: usize, _: Stage, x| x;
                let other = cross.trace_with_hook([x.clone(), x], &Mask::none(), place, &mut nothing);
                assert_eq!(values(&trace.weights), values(&other.weights));
                assert_eq!(values(&trace.context), values(&other.context));
                assert_eq!(
                    [trace.w_q, trace.w_k, trace.w_v].map(|w| values(&w)),
                    [other.w_q, other.w_k, other.w_v].map(|w| values(&w))
                );
            }
        }
    }
}
