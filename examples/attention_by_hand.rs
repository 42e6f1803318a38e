//! Attention with loops and plain numbers, then the same with `SelfAttention`: so that is all it is.
//!
//! ```text
//! cargo run --release --example attention_by_hand
//! ```
//! ends with `loops and matrices agree`.

use anyhow::{Result, ensure};
use burn::tensor::{Device, Tensor};
use qkv_model::{Init, Mask, Mode, SelfAttentionConfig};

/// Three tokens of width 4, as a lecture would write them on the board.
const X: [[f32; 4]; 3] = [[1.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 2.0], [1.0, 1.0, 1.0, 1.0]];

fn main() -> Result<()> {
    let device = Device::flex();
    let layer = SelfAttentionConfig::new(4, 3).init(&Init::new(&device, 1))?;
    let [w_q, w_k, w_v] = [layer.w_q(0), layer.w_k(0), layer.w_v(0)].map(rows);

    let mut by_hand = Vec::new();
    for x_i in X {
        let q = times(&x_i, &w_q);
        // How well does this query fit each key? Scaled, so that wide keys do not shout.
        let scores: Vec<f32> =
            X.iter().map(|x_j| dot(&q, &times(x_j, &w_k)) / (q.len() as f32).sqrt()).collect();
        // Softmax: shares that add up to one.
        let exp: Vec<f32> = scores.iter().map(|score| score.exp()).collect();
        let sum: f32 = exp.iter().sum();
        let weights: Vec<f32> = exp.iter().map(|e| e / sum).collect();
        // The context is the mean of the values under these shares.
        let mut context = vec![0.0; w_v[0].len()];
        for (x_j, weight) in X.iter().zip(&weights) {
            for (c, v) in context.iter_mut().zip(times(x_j, &w_v)) {
                *c += weight * v;
            }
        }
        println!("weights {weights:.4?}   context {context:.4?}");
        by_hand.extend(context);
    }

    let x = Tensor::<2>::from_floats(X, &device).unsqueeze();
    let context = layer.forward(x, &Mask::none(), Mode::Evaluate).into_data();
    for (ours, by_hand) in context.iter::<f32>().zip(&by_hand) {
        ensure!((ours - by_hand).abs() < 1e-6, "{ours} is not {by_hand}");
    }
    println!("loops and matrices agree");
    Ok(())
}

/// A row vector times a matrix.
fn times(x: &[f32], w: &[Vec<f32>]) -> Vec<f32> {
    (0..w[0].len()).map(|column| x.iter().zip(w).map(|(x, row)| x * row[column]).sum()).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn rows(matrix: Tensor<2>) -> Vec<Vec<f32>> {
    let [_, columns] = matrix.dims();
    let values: Vec<f32> = matrix.into_data().iter().collect();
    values.chunks(columns).map(<[f32]>::to_vec).collect()
}
