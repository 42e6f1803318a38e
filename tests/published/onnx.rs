//! ONNX's 64 conformance cases of the operator Attention.

use burn::tensor::{DType, TensorData};
use safetensors::Dtype;

use crate::support::onnx_cases::{Case, Tensor, cases};
use crate::support::onnx_reference::attention;

/// What [ONNX's own runner](https://github.com/onnx/onnx/blob/main/onnx/backend/test/case/node/__init__.py) allows, and
/// NumPy's `assert_allclose`: `|got - expected| ≤ ABSOLUTE + RELATIVE · |expected|`.
const RELATIVE: f64 = 1e-3;
const ABSOLUTE: f64 = 1e-7;

/// Compares one output of a case, where a published infinity is met by the same infinity alone. Of a case in half
/// precision the numbers are computed in ours and rounded once, at the end, which is what ONNX's own implementation does.
#[track_caller]
pub fn check(case: &Case, output: &str, got: &[f64]) {
    let Tensor { dtype, values: expected, .. } = &case.outputs[output];
    let got = match dtype {
        Dtype::F16 => {
            let half = TensorData::new(got.to_vec(), [got.len()]).convert_dtype(DType::F16);
            half.iter::<f64>().collect()
        }
        _ => got.to_vec(),
    };
    assert_eq!(got.len(), expected.len(), "{}/{output}", case.name);
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        let close = got == expected || (got - expected).abs() <= ABSOLUTE + RELATIVE * expected.abs();
        assert!(close, "{}/{output} at {index}: got {got}, published {expected}", case.name);
    }
}

#[test]
fn the_operator_as_nested_loops_gives_the_published_numbers() {
    let cases = cases();
    assert_eq!(cases.len(), 64);
    for case in &cases {
        let outputs = attention(case);
        for output in case.outputs.keys() {
            check(case, output, &outputs[output.as_str()]);
        }
    }
}

#[test]
fn nineteen_cases_have_keys_of_the_past_and_two_are_in_half_precision() {
    let cases = cases();
    let count = |is: fn(&Case) -> bool| cases.iter().filter(|case| is(case)).count();
    assert_eq!(count(|case| case.inputs.contains_key("past_key")), 19);
    assert_eq!(count(|case| case.inputs["Q"].dtype == Dtype::F16), 2);
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
