//! ONNX's operator Attention as nested loops over `f64`, written from
//! [its specification](https://onnx.ai/onnx/operators/onnx__Attention.html): the oracle between the published numbers and
//! our layers.
//!
//! ```text
//! s_ij = (√scale q_i) · (√scale k_j)
//! c_ij = softcap · tanh(s_ij / softcap)            s_ij itself where softcap is 0
//! b_ij = c_ij + attn_mask_ij                       minus infinity where key j is hidden from query i
//! y_i  = Σ_j softmax_j(b_ij) v_j                   zeros where every key is hidden
//! ```
//!
//! The last line is ours: the operator's definition divides zero by zero there, and no case asks for it.

use std::collections::BTreeMap;

use safetensors::Dtype;

use crate::support::onnx_cases::{Attributes, Case, Tensor};

/// What the operator gives, by the name of the output.
pub fn attention(case: &Case) -> BTreeMap<&'static str, Vec<f64>> {
    let Case { attributes, inputs, .. } = case;
    let [q, k, v] = ["Q", "K", "V"].map(|name| &inputs[name]);
    let (q, k) = (Heads::of(q, attributes.q_num_heads), Heads::of(k, attributes.kv_num_heads));
    let v = Heads::of(v, attributes.kv_num_heads);
    // Neighbouring queries share a key and value head: 0 0 0 1 1 1 2 2 2.
    let group = q.heads / k.heads;
    let mut y = vec![0.0; q.batch * q.heads * q.length * v.width];
    let mut shown = Vec::new();
    for b in 0..q.batch {
        for h in 0..q.heads {
            for i in 0..q.length {
                let stages: Vec<[f64; 3]> = (0..k.length)
                    .map(|j| {
                        let dot: f64 =
                            (0..q.width).map(|d| q.at(b, h, i, d) * k.at(b, h / group, j, d)).sum();
                        stages(attributes, dot, q.width, bias(case, [b, h, i, j]))
                    })
                    .collect();
                let weights = softmax(stages.iter().map(|stage| stage[2]));
                for (j, weight) in weights.iter().enumerate() {
                    for d in 0..v.width {
                        y[q.like(v.width).index(b, h, i, d)] += weight * v.at(b, h / group, j, d);
                    }
                }
                shown.extend(match attributes.qk_matmul_output_mode {
                    mode @ 0..=2 => stages.iter().map(|stage| stage[mode as usize]).collect(),
                    _ => weights,
                });
            }
        }
    }
    BTreeMap::from([("Y", y), ("qk_matmul_output", shown)])
}

/// `[s_ij, c_ij, b_ij]`
fn stages(attributes: &Attributes, dot: f64, head_size: usize, bias: f64) -> [f64; 3] {
    let scale = attributes.scale.unwrap_or(1.0 / (head_size as f64).sqrt());
    let score = scale.sqrt() * scale.sqrt() * dot;
    let capped = match attributes.softcap {
        0.0 => score,
        softcap => softcap * (score / softcap).tanh(),
    };
    [score, capped, capped + bias]
}

/// What the mask adds for one query and key; all reasons to hide a key apply together.
fn bias(case: &Case, [b, h, i, j]: [usize; 4]) -> f64 {
    // Aligned at the top left: with more keys than queries, no query sees the last keys.
    let after = case.attributes.is_causal && j > i;
    let padding = case.inputs.get("nonpad_kv_seqlen").is_some_and(|lengths| j as f64 >= lengths.values[b]);
    if after || padding {
        return f64::NEG_INFINITY;
    }
    let Some(mask) = case.inputs.get("attn_mask") else { return 0.0 };
    match (mask.broadcast([b, h, i, j]), mask.dtype) {
        // A mask may end before the keys do; those left are hidden.
        (None, _) => f64::NEG_INFINITY,
        (Some(0.0), Dtype::BOOL) => f64::NEG_INFINITY,
        (Some(_), Dtype::BOOL) => 0.0,
        (Some(value), _) => value,
    }
}

fn softmax(scores: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let largest = scores.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return scores.map(|_| 0.0).collect();
    }
    let sum: f64 = scores.clone().map(|score| (score - largest).exp()).sum();
    scores.map(|score| (score - largest).exp() / sum).collect()
}

impl Tensor {
    /// The value at an index of the four axes, where an axis that is absent or of length one counts for all; `None` past
    /// the end of the last axis.
    fn broadcast(&self, index: [usize; 4]) -> Option<f64> {
        let missing = 4 - self.shape.len();
        let mut at = 0;
        for (axis, &length) in self.shape.iter().enumerate() {
            let wanted = if length == 1 { 0 } else { index[missing + axis] };
            if missing + axis == 3 && wanted >= length {
                return None;
            }
            assert!(wanted < length, "{:?} does not broadcast", self.shape);
            at = at * length + wanted;
        }
        Some(self.values[at])
    }
}

/// Queries, keys or values, whose axes are `[batch, heads, length, width]` or `[batch, length, heads * width]`.
struct Heads<'a> {
    values: &'a [f64],
    batch: usize,
    heads: usize,
    length: usize,
    width: usize,
    order: Order,
}

#[derive(Clone, Copy)]
enum Order {
    HeadsOutside,
    HeadsInside,
}

impl<'a> Heads<'a> {
    fn of(tensor: &'a Tensor, heads: Option<usize>) -> Self {
        let values = &tensor.values;
        match (&tensor.shape[..], heads) {
            (&[batch, heads, length, width], _) => {
                Self { values, batch, heads, length, width, order: Order::HeadsOutside }
            }
            (&[batch, length, hidden], Some(heads)) => {
                Self { values, batch, heads, length, width: hidden / heads, order: Order::HeadsInside }
            }
            (shape, _) => panic!("{shape:?} has no heads"),
        }
    }

    /// The layout of an output with as many heads and another width.
    fn like(&self, width: usize) -> Self {
        Self { width, ..*self }
    }

    fn index(&self, b: usize, h: usize, i: usize, d: usize) -> usize {
        let Self { heads, length, width, .. } = *self;
        match self.order {
            Order::HeadsOutside => ((b * heads + h) * length + i) * width + d,
            Order::HeadsInside => ((b * length + i) * heads + h) * width + d,
        }
    }

    fn at(&self, b: usize, h: usize, i: usize, d: usize) -> f64 {
        self.values[self.index(b, h, i, d)]
    }
}
