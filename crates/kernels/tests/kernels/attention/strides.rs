//! Heads that lie between others.

use qkv_kernels::{
    Attention, AttentionGradients, AttentionInputs, AttentionSaved, CausalAlign, View, ViewMut,
    attention_backward, attention_forward,
};

use super::check;
use super::naive::{Case, Results};

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
        for (part, tensor) in buffer.chunks_exact_mut(width).zip([&case.q, &case.k, &case.v]) {
            part.copy_from_slice(&tensor[row * width..][..width]);
        }
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
    let (batch_stride, head_stride) = (seq_len * width, seq_len * d);
    let head_major = |data| View { data, batch_stride, seq_stride: d, head_stride };
    let mut context = vec![f64::NAN; batch * seq_len * width];
    let mut normalizer = vec![f64::NAN; batch * n_heads * seq_len * 2];
    let out = ViewMut { data: &mut context, batch_stride, seq_stride: d, head_stride };
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

/// They lead out of memory where a case has no numbers.
#[test]
fn strides_of_a_tensor_without_numbers_mean_nothing() {
    // Heads of width zero, with more keys than a tile has, then no keys, then no queries.
    for ([q_len, k_len], widths) in
        [([70, 200], [0, 3]), ([70, 200], [2, 0]), ([5, 7], [0, 0]), ([70, 0], [2, 3]), ([0, 7], [2, 3])]
    {
        // The root of a width of zero has no inverse.
        check(&Case { scale: 1.0, ..Case::new([3, q_len, k_len], [2; 2], widths, 1.0) });
    }
}
