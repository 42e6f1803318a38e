//! ONNX's 64 conformance cases of the operator Attention.

use crate::support::onnx_cases::{Case, cases};
use crate::support::onnx_reference::attention;

/// What [ONNX's own runner](https://github.com/onnx/onnx/blob/main/onnx/backend/test/case/node/__init__.py) allows, and
/// NumPy's `assert_allclose`: `|got - expected| ≤ ABSOLUTE + RELATIVE · |expected|`.
const RELATIVE: f64 = 1e-3;
const ABSOLUTE: f64 = 1e-7;

/// Compares one output of a case, where a published infinity is met by the same infinity alone.
#[track_caller]
pub fn check(case: &Case, output: &str, got: &[f64]) {
    let expected = &case.outputs[output].values;
    assert_eq!(got.len(), expected.len(), "{}/{output}", case.name);
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        let close = got == expected || (got - expected).abs() <= ABSOLUTE + RELATIVE * expected.abs();
        assert!(close, "{}/{output} at {index}: got {got}, published {expected}", case.name);
    }
}

#[test]
fn the_operator_as_nested_loops_gives_the_published_numbers() {
    for case in cases().iter().filter(|case| case.unsupported.is_none()) {
        let outputs = attention(case);
        for output in case.outputs.keys() {
            check(case, output, &outputs[output.as_str()]);
        }
    }
}

#[test]
fn what_is_not_supported_is_listed_by_name_and_reason() {
    let (numbers, listed): (Vec<_>, Vec<_>) =
        cases().into_iter().partition(|case| case.unsupported.is_none());
    assert_eq!((numbers.len(), listed.len()), (44, 20));
    for case in listed {
        let reason = case.unsupported.unwrap();
        let expected = match case.name.as_str() {
            "4d_fp16" => "half precision",
            "4d_gqa_with_past_and_present_fp16" => "half precision, needs a KV cache",
            name => {
                assert!(name.contains("with_past_and_present"), "{name}");
                "needs a KV cache"
            }
        };
        assert_eq!(reason, expected, "{}", case.name);
    }
}

#[test]
fn a_query_that_sees_nothing_gets_zeros() {
    let mut case = cases().into_iter().find(|case| case.name == "4d_attn_mask_bool").unwrap();
    let mask = case.inputs.get_mut("attn_mask").unwrap();
    let (q_len, k_len) = (mask.shape[0], mask.shape[1]);
    mask.values[..k_len].fill(0.0);
    let y = &attention(&case)["Y"];
    let width = case.outputs["Y"].shape[3];
    for (index, row) in y.chunks_exact(width).enumerate() {
        assert_eq!(row.iter().all(|&x| x == 0.0), index % q_len == 0, "row {index}");
    }
}
