//! Heads that lie between others.

use qkv_kernels::{
    Attention, AttentionGradients, AttentionInputs, AttentionSaved, Causal, View, ViewMut,
    attention_backward, attention_forward,
};

use super::naive::{Case, Results};

#[test]
fn heads_are_read_and_written_through_strides() {
    // q, k and v side by side in one buffer [batch, seq_len, 3 · n_heads · d], as a fused projection gives them.
    let (batch, seq_len, n_heads, d) = (2, 67, 3, 5);
    let width = n_heads * d;
    let case = Case {
        causal: Some(Causal::TopLeft),
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
        causal: Some(Causal::TopLeft),
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
