//! ONNX's conformance cases through our mechanism.

use burn::tensor::{DType, Device, Tensor};
use qkv_model::{AttentionSpec, CausalAlign, KeyValueCache, Mask, ScaledDot, attention};
use safetensors::Dtype;

use crate::published::onnx::check;
use crate::support::backends::places;
use crate::support::numbers::{bools, tensor, values};
use crate::support::onnx_cases::{Case, Tensor as Numbers, cases};
use crate::support::onnx_reference::{heads_first, n_past};

type Place<'a> = (&'a Device, DType);

#[test]
fn our_attention_gives_onnx_s_published_numbers() {
    for case in &cases() {
        for place in places() {
            attend(place, case);
        }
    }
}

fn attend(place: Place<'_>, case: &Case) {
    let attributes = case.attributes;
    let heads = |name: &str, n_heads: Option<usize>| -> Tensor<4> {
        let (values, shape) = heads_first(&case.inputs[name], n_heads);
        tensor(place, &values, shape)
    };
    let q = heads("Q", attributes.q_num_heads);
    let [k, v] = ["K", "V"].map(|name| heads(name, attributes.kv_num_heads));
    let mut cache = KeyValueCache::default();
    if case.inputs.contains_key("past_key") {
        let [past_k, past_v] = ["past_key", "past_value"].map(|name| heads(name, None));
        cache.append(past_k, past_v);
    }
    let [k, v] = cache.append(k, v);
    for (name, present) in [("present_key", &k), ("present_value", &v)] {
        if case.outputs.contains_key(name) {
            check(case, name, &values(present));
        }
    }
    let mask = mask(place, case, k.dims()[2]);
    let score = attributes.scale.map_or(ScaledDot::default(), ScaledDot::by);
    let uncapped = AttentionSpec::new(&score);
    let softcap = Some(attributes.softcap).filter(|&cap| cap > 0.0);
    let steps = AttentionSpec { softcap, ..AttentionSpec::new(&score) };

    let context = attention(&steps, q.clone(), k.clone(), v, &mask);
    // Heads inside or outside, as the case has its queries.
    let is_flat = case.inputs["Q"].shape.len() == 3;
    check(case, "Y", &values(&if is_flat { context.swap_dims(1, 2) } else { context }));
    if case.outputs.contains_key("qk_matmul_output") {
        let d_k = q.dims()[3];
        let scores = steps.scores(q, k);
        let shown = match attributes.qk_matmul_output_mode {
            0 => uncapped.scaled(scores, d_k),
            1 => steps.scaled(scores, d_k),
            2 => steps.masked(steps.scaled(scores, d_k), &mask),
            _ => steps.softmax(steps.masked(steps.scaled(scores, d_k), &mask), &mask),
        };
        check(case, "qk_matmul_output", &values(&shown));
    }
}

fn mask(place: Place<'_>, case: &Case, k_len: usize) -> Mask {
    let mut mask = Mask::none();
    if case.attributes.is_causal == 1 {
        mask = mask.and(match n_past(case) {
            0 => Mask::causal(CausalAlign::TopLeft),
            past => {
                let q_len = case.inputs["Q"].shape[2];
                let shown: Vec<bool> = (0..q_len * k_len).map(|at| at % k_len <= at / k_len + past).collect();
                Mask::shown(bools(place.0, &shown, [1, 1, q_len, k_len]))
            }
        });
    }
    if let Some(lengths) = case.inputs.get("nonpad_kv_seqlen") {
        mask = mask.and(Mask::padding(lengths.values.iter().map(|&length| length as usize).collect()));
    }
    let Some(given) = case.inputs.get("attn_mask") else { return mask };
    let (shape, numbers) = up_to(k_len, given);
    mask.and(match given.dtype {
        Dtype::BOOL => {
            let shown: Vec<bool> = numbers.iter().map(|&number| number == 1.0).collect();
            Mask::shown(bools(place.0, &shown, shape))
        }
        _ => Mask::bias(tensor(place, &numbers, shape)),
    })
}

/// A mask with four axes; one that ends before the keys do hides those that are left.
fn up_to(k_len: usize, given: &Numbers) -> ([usize; 4], Vec<f64>) {
    let mut shape = [1; 4];
    shape[4 - given.shape.len()..].copy_from_slice(&given.shape);
    let length = shape[3];
    if length == 1 {
        return (shape, given.values.clone());
    }
    shape[3] = k_len;
    let hidden = if given.dtype == Dtype::BOOL { 0.0 } else { f64::NEG_INFINITY };
    let rows = given.values.chunks_exact(length);
    let values = rows.flat_map(|row| {
        row.iter().copied().chain(std::iter::repeat_n(hidden, k_len - length)).collect::<Vec<_>>()
    });
    (shape, values.collect())
}
