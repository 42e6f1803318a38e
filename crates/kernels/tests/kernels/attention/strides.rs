//! Heads that lie between others.

use qkv_kernels::{
    Attention, AttentionGradients, AttentionInputs, AttentionSaved, CausalAlign, View, ViewMut,
    attention_backward, attention_forward,
};

use super::naive::{Case, Results};
use crate::numbers::at_every_level;

#[test]
fn heads_are_read_and_written_through_strides() {
    // q, k and v side by side in one buffer [batch, seq_len, 3 · n_heads · d], as a fused projection gives them.
    let (batch, seq_len, n_heads, d) = (2, 67, 3, 5);
    let width = n_heads * d;
    let case = Case {
        causal: Some(CausalAlign::TopLeft),
        ..Case::new([batch, seq_len, seq_len], [n_heads; 2], [d; 2], 1.0)
    };
    let expected: Results<f64> = case.fused();
    let mut buffer = vec![0.0; batch * seq_len * 3 * width];
    for (row, buffer) in buffer.chunks_exact_mut(3 * width).enumerate() {
        buffer[..width].copy_from_slice(&case.q[row * width..][..width]);
        buffer[width..2 * width].copy_from_slice(&case.k[row * width..][..width]);
        buffer[2 * width..].copy_from_slice(&case.v[row * width..][..width]);
    }
    let strides = (seq_len * 3 * width, 3 * width, d);
    let view = |data| View { data, batch_stride: strides.0, seq_stride: strides.1, head_stride: strides.2 };
    let view_mut =
        |data| ViewMut { data, batch_stride: strides.0, seq_stride: strides.1, head_stride: strides.2 };
    let inputs =
        AttentionInputs { q: view(&buffer), k: view(&buffer[width..]), v: view(&buffer[2 * width..]) };
    let attention = Attention {
        scale: case.scale,
        causal: Some(CausalAlign::TopLeft),
        ..Attention::<f64>::new(batch, seq_len, n_heads, d)
    };
    // The context head by head, [batch, n_heads, seq_len, d].
    let head_major =
        |data| View { data, batch_stride: seq_len * width, seq_stride: d, head_stride: seq_len * d };
    let mut context = vec![f64::NAN; batch * seq_len * width];
    let mut normalizer = vec![f64::NAN; batch * n_heads * seq_len * 2];
    let out = ViewMut {
        data: &mut context,
        batch_stride: seq_len * width,
        seq_stride: d,
        head_stride: seq_len * d,
    };
    attention_forward(&attention, inputs, out, &mut normalizer);
    let mut gradients = [(); 3].map(|()| vec![0.0; buffer.len()]);
    let [d_q, d_k, d_v] = &mut gradients;
    let saved = AttentionSaved {
        inputs,
        context: head_major(&context),
        normalizer: &normalizer,
        d_context: View::contiguous(&case.d_context, seq_len, n_heads, d),
    };
    let outputs = AttentionGradients { d_q: view_mut(d_q), d_k: view_mut(d_k), d_v: view_mut(d_v) };
    attention_backward(&attention, saved, outputs);

    for row in 0..batch * seq_len {
        let (b, t) = (row / seq_len, row % seq_len);
        for h in 0..n_heads {
            assert_eq!(
                context[((b * n_heads + h) * seq_len + t) * d..][..d],
                expected.context[row * width + h * d..][..d]
            );
        }
        for (gradient, expected) in gradients.iter().zip([&expected.d_q, &expected.d_k, &expected.d_v]) {
            assert_eq!(gradient[row * 3 * width..][..width], expected[row * width..][..width]);
            assert!(gradient[row * 3 * width + width..][..2 * width].iter().all(|&x| x == 0.0));
        }
    }
}

/// A contiguous `[batch, seq_len, n_heads, d]`; one without numbers gets strides that lead out of memory.
fn view<T>(data: &[T], seq_len: usize, n_heads: usize, d: usize) -> View<'_, T> {
    let far = usize::MAX - 2;
    match data.is_empty() {
        true => View { data, batch_stride: far, seq_stride: far, head_stride: far },
        false => View::contiguous(data, seq_len, n_heads, d),
    }
}

#[test]
fn strides_of_a_tensor_without_numbers_mean_nothing() {
    let (batch, n_heads) = (3, 2);
    // Heads of width zero, with more keys than a tile has, then no keys, then no queries.
    for ([q_len, k_len], [width_k, width_v]) in
        [([70, 200], [0, 3]), ([70, 200], [2, 0]), ([5, 7], [0, 0]), ([70, 0], [2, 3]), ([0, 7], [2, 3])]
    {
        let case = Case::new([batch, q_len, k_len], [n_heads; 2], [width_k, width_v], 1.0);
        let attention = Attention {
            k_len,
            d_v: width_v,
            scale: case.scale,
            ..Attention::<f64>::new(batch, q_len, n_heads, width_k)
        };
        at_every_level(|level| {
            let what = format!("({q_len}, {k_len}) × ({width_k}, {width_v}) at {level:?}");
            let expected: Results<f64> = case.fused();
            let inputs = AttentionInputs {
                q: view(&case.q, q_len, n_heads, width_k),
                k: view(&case.k, k_len, n_heads, width_k),
                v: view(&case.v, k_len, n_heads, width_v),
            };
            let mut context = vec![f64::NAN; expected.context.len()];
            let mut normalizer = vec![f64::NAN; batch * n_heads * q_len * 2];
            let out = ViewMut::contiguous(&mut context, q_len, n_heads, width_v);
            attention_forward(&attention, inputs, out, &mut normalizer);
            assert_eq!(context, expected.context, "context of {what}");
            let [mut d_q, mut d_k, mut d_v] =
                [&case.q, &case.k, &case.v].map(|tensor| vec![f64::NAN; tensor.len()]);
            let saved = AttentionSaved {
                inputs,
                context: view(&context, q_len, n_heads, width_v),
                normalizer: &normalizer,
                d_context: view(&case.d_context, q_len, n_heads, width_v),
            };
            let gradients = AttentionGradients {
                d_q: ViewMut::contiguous(&mut d_q, q_len, n_heads, width_k),
                d_k: ViewMut::contiguous(&mut d_k, k_len, n_heads, width_k),
                d_v: ViewMut::contiguous(&mut d_v, k_len, n_heads, width_v),
            };
            attention_backward(&attention, saved, gradients);
            assert_eq!(d_q, expected.d_q, "d_q of {what}");
            assert_eq!(d_k, expected.d_k, "d_k of {what}");
            assert_eq!(d_v, expected.d_v, "d_v of {what}");
        });
    }
}
