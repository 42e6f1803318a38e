//! Attention as a tensor library runs it without a fused kernel: heads copied out, a T × T tensor for every operation,
//! and products by `gemm` with all threads.

use gemm::{Parallelism, gemm};

/// A self-attention problem; tensors are `[batch, seq_len, n_heads · d]`.
#[derive(Clone, Copy)]
pub struct Shape {
    pub batch: usize,
    pub seq_len: usize,
    pub n_heads: usize,
    pub d: usize,
    pub causal: bool,
}

/// Context and the gradients of q, k and v, head by head.
pub fn forward_and_backward(shape: Shape, inputs: [&[f32]; 4]) -> [Vec<f32>; 4] {
    let Shape { seq_len: t, d, causal, batch, n_heads } = shape;
    let n = batch * n_heads;
    let [q, k, v, d_context] = inputs.map(|x| split_heads(shape, x));
    let scores = product(n, [t, t, d], (&q, [d, 1]), (&k, [1, d]));
    let scale = 1.0 / (d as f32).sqrt();
    let scaled: Vec<f32> = scores.iter().map(|s| s * scale).collect();
    let masked: Vec<f32> = if causal {
        scaled
            .iter()
            .enumerate()
            .map(|(i, &s)| if i % t > i / t % t { f32::NEG_INFINITY } else { s })
            .collect()
    } else {
        scaled
    };
    let max: Vec<f32> =
        masked.chunks(t).map(|row| row.iter().copied().fold(f32::NEG_INFINITY, f32::max)).collect();
    let exp: Vec<f32> = masked.iter().enumerate().map(|(i, s)| (s - max[i / t]).exp()).collect();
    let sum: Vec<f32> = exp.chunks(t).map(|row| row.iter().sum()).collect();
    let weights: Vec<f32> = exp.iter().enumerate().map(|(i, e)| e / sum[i / t]).collect();
    let context = product(n, [t, d, t], (&weights, [t, 1]), (&v, [d, 1]));

    let d_v = product(n, [t, d, t], (&weights, [1, t]), (&d_context, [d, 1]));
    let d_weights = product(n, [t, t, d], (&d_context, [d, 1]), (&v, [1, d]));
    let weighted: Vec<f32> = d_weights.iter().zip(&weights).map(|(d, w)| d * w).collect();
    let delta: Vec<f32> = weighted.chunks(t).map(|row| row.iter().sum()).collect();
    let spread: Vec<f32> = weights.iter().enumerate().map(|(i, w)| w * delta[i / t]).collect();
    let d_scores: Vec<f32> = weighted.iter().zip(&spread).map(|(a, b)| a - b).collect();
    let d_scores: Vec<f32> = d_scores.iter().map(|d| d * scale).collect();
    let d_q = product(n, [t, d, t], (&d_scores, [t, 1]), (&k, [d, 1]));
    let d_k = product(n, [t, d, t], (&d_scores, [1, t]), (&q, [d, 1]));
    [context, d_q, d_k, d_v]
}

/// `[batch, seq_len, n_heads · d]` to `[batch · n_heads, seq_len, d]`.
fn split_heads(shape: Shape, x: &[f32]) -> Vec<f32> {
    let Shape { batch, seq_len, n_heads, d, .. } = shape;
    let mut out = Vec::with_capacity(x.len());
    for b in 0..batch {
        for h in 0..n_heads {
            for t in 0..seq_len {
                out.extend_from_slice(&x[((b * seq_len + t) * n_heads + h) * d..][..d]);
            }
        }
    }
    out
}

/// `n` products `[m, k] · [k, p]`, operands given with the strides of their rows and columns.
fn product(n: usize, [m, p, k]: [usize; 3], a: (&[f32], [usize; 2]), b: (&[f32], [usize; 2])) -> Vec<f32> {
    let mut out = vec![0.0_f32; n * m * p];
    for (i, out) in out.chunks_exact_mut(m * p).enumerate() {
        let (a_data, b_data) = (&a.0[i * m * k..][..m * k], &b.0[i * k * p..][..k * p]);
        let [a_strides, b_strides] = [a.1, b.1].map(|strides| strides.map(|stride| stride as isize));
        // SAFETY: the slices above hold all numbers of their operands, whose strides are those of a contiguous matrix
        // or its transpose, and `out` is borrowed exclusively.
        #[expect(unsafe_code)]
        unsafe {
            gemm(
                m,
                p,
                k,
                out.as_mut_ptr(),
                1,
                p as isize,
                false,
                a_data.as_ptr(),
                a_strides[1],
                a_strides[0],
                b_data.as_ptr(),
                b_strides[1],
                b_strides[0],
                0.0,
                1.0,
                false,
                false,
                false,
                Parallelism::Rayon(0),
            );
        }
    }
    out
}
