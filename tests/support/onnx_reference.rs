//! ONNX's operator Attention by the nested loops of `reference.rs`, read as
//! [its specification](https://onnx.ai/onnx/operators/onnx__Attention.html) has it:
//! the oracle between the published numbers and our layers.
//!
//! ```text
//! s_ij = scale q_i · k_j
//! c_ij = softcap · tanh(s_ij / softcap)            s_ij itself where softcap is 0
//! b_ij = c_ij + attn_mask_ij                       minus infinity where key j is hidden from query i
//! y_i  = Σ_j softmax_j(b_ij) v_j                   zeros where every key is hidden
//! ```
//!
//! The last line is ours: the operator's definition divides zero by zero there, and no case asks for it.

use std::collections::BTreeMap;

use safetensors::Dtype;

use crate::support::onnx_cases::{Case, Tensor};
use crate::support::reference::{self, Comparison, Inputs, Sizes, Steps};

/// What the operator gives, by the name of the output.
pub fn attention(case: &Case) -> BTreeMap<&'static str, Vec<f64>> {
    let Case { attributes, inputs, .. } = case;
    let (q, [batch, heads, q_len, d_k]) = heads_first(&inputs["Q"], attributes.q_num_heads);
    let (k, [_, kv_heads, k_len, _]) = present(case, "K", "past_key");
    let (v, [.., d_v]) = present(case, "V", "past_value");
    let presents = [k.clone(), v.clone()];
    let scale = attributes.scale.unwrap_or(1.0 / (d_k as f64).sqrt());
    let softcap = (attributes.softcap != 0.0).then_some(attributes.softcap);
    let steps = Steps { comparison: Comparison::Dot { scale }, softcap, alibi: false, quiet: false };
    let sizes = Sizes { batch, heads, kv_heads, q_len, k_len, d_k, d_v };
    let outputs = reference::attention(sizes, &Inputs { q, k, v }, &steps, |index| bias(case, index));
    let y = match inputs["Q"].shape.len() {
        4 => outputs.context,
        _ => swap_middle(&outputs.context, [batch, heads, q_len, d_v]),
    };
    let shown = match attributes.qk_matmul_output_mode {
        0 => outputs.scores,
        1 => outputs.capped,
        2 => outputs.masked,
        _ => outputs.weights,
    };
    let [present_key, present_value] = presents;
    BTreeMap::from([
        ("Y", y),
        ("present_key", present_key),
        ("present_value", present_value),
        ("qk_matmul_output", shown),
    ])
}

/// Keys or values with those of the past before them, heads outside.
fn present(case: &Case, new: &str, past: &str) -> (Vec<f64>, [usize; 4]) {
    let (new, shape) = heads_first(&case.inputs[new], case.attributes.kv_num_heads);
    let Some(past) = case.inputs.get(past) else { return (new, shape) };
    let [batch, heads, n_new, width] = shape;
    let n_past = past.shape[2];
    let rows = past.values.chunks(n_past * width).zip(new.chunks(n_new * width));
    (rows.flat_map(|(past, new)| [past, new].concat()).collect(), [batch, heads, n_past + n_new, width])
}

/// How many keys a case has from before.
pub fn n_past(case: &Case) -> usize {
    case.inputs.get("past_key").map_or(0, |past| past.shape[2])
}

/// The values of `[batch, heads, length, width]` or `[batch, length, heads * width]` with the heads outside, and these
/// axes.
pub fn heads_first(tensor: &Tensor, heads: Option<usize>) -> (Vec<f64>, [usize; 4]) {
    match (&tensor.shape[..], heads) {
        (&[batch, heads, length, width], _) => (tensor.values.clone(), [batch, heads, length, width]),
        (&[batch, length, hidden], Some(heads)) => {
            let width = hidden / heads;
            (swap_middle(&tensor.values, [batch, length, heads, width]), [batch, heads, length, width])
        }
        (shape, _) => panic!("{shape:?} has no heads"),
    }
}

/// Swaps the second and the third of four axes.
fn swap_middle(values: &[f64], [batch, rows, columns, width]: [usize; 4]) -> Vec<f64> {
    let mut swapped = Vec::with_capacity(values.len());
    for b in 0..batch {
        for column in 0..columns {
            for row in 0..rows {
                swapped.extend(&values[((b * rows + row) * columns + column) * width..][..width]);
            }
        }
    }
    swapped
}

/// What the mask adds for one query and key; all reasons to hide a key apply together.
fn bias(case: &Case, [b, h, i, j]: [usize; 4]) -> f64 {
    // Aligned at the top left behind the past: with more keys than queries, no query sees the last keys.
    let after = case.attributes.is_causal == 1 && j > i + n_past(case);
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

impl Tensor {
    /// The value at an index of the four axes, where an axis that is absent or of length one counts for all; `None`
    /// past the end of the last axis.
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
