//! ONNX's conformance cases of the operator Attention, as `tests/truth/onnx_attention.py` wrote them.

use std::collections::BTreeMap;

use burn::tensor::{DType, TensorData};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde_json::{Map, Value};

static NUMBERS: &[u8] = include_bytes!("../truth/onnx_attention.safetensors");
const DESCRIPTIONS: &str = include_str!("../truth/onnx_attention.json");

/// Operator and numbers of one case.
pub struct Case {
    pub name: String,
    pub attributes: Attributes,
    /// `Q`, `K`, `V`, and where the case has them `past_key`, `past_value`, `attn_mask` and `nonpad_kv_seqlen`.
    pub inputs: BTreeMap<String, Tensor>,
    /// `Y`, and where the case has them `present_key`, `present_value` and `qk_matmul_output`.
    pub outputs: BTreeMap<String, Tensor>,
}

/// Attributes of the operator; `None` or zero where the case leaves them at their default.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Attributes {
    /// `1 / √head_size` by default.
    pub scale: Option<f64>,
    /// 1: it is.
    pub is_causal: u64,
    /// Given with three axes, where the heads lie side by side in the last one.
    pub q_num_heads: Option<usize>,
    pub kv_num_heads: Option<usize>,
    /// Zero: no cap.
    pub softcap: f64,
    /// Which stage `qk_matmul_output` shows.
    pub qk_matmul_output_mode: u64,
}

/// Host numbers of any type as `f64`.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// Row-major; `true` is 1.
    pub values: Vec<f64>,
}

/// All 64 cases by name.
pub fn cases() -> Vec<Case> {
    let numbers = SafeTensors::deserialize(NUMBERS).expect("the converter wrote it");
    let descriptions: Map<String, Value> =
        serde_json::from_str(DESCRIPTIONS).expect("the converter wrote valid JSON");
    descriptions.iter().map(|(name, entry)| case(name, entry, &numbers)).collect()
}

fn case(name: &str, entry: &Value, numbers: &SafeTensors) -> Case {
    let named = |kind: &str| {
        let names = entry[kind].as_object().expect("tensors by name").iter();
        names.map(|(key, about)| (key.clone(), tensor(numbers, name, key, about))).collect()
    };
    Case {
        name: name.to_owned(),
        attributes: serde_json::from_value(entry["attributes"].clone()).expect("attributes that are known"),
        inputs: named("inputs"),
        outputs: named("outputs"),
    }
}

fn tensor(numbers: &SafeTensors, case: &str, key: &str, about: &Value) -> Tensor {
    let name = format!("{case}/{key}");
    let view = numbers.tensor(&name).expect(&name);
    let shape: Vec<usize> = serde_json::from_value(about["shape"].clone()).expect("a shape");
    assert_eq!(shape, view.shape(), "{name}");
    let bytes = view.data();
    let values = match view.dtype() {
        Dtype::F16 => {
            TensorData::from_bytes_vec(bytes.to_vec(), shape.clone(), DType::F16).iter::<f64>().collect()
        }
        Dtype::F32 => read(bytes, |b| f64::from(f32::from_le_bytes(b))),
        Dtype::I64 => read(bytes, |b| i64::from_le_bytes(b) as f64),
        Dtype::BOOL => read(bytes, |[b]: [u8; 1]| f64::from(b)),
        other => panic!("{name} holds {other:?}"),
    };
    Tensor { dtype: view.dtype(), shape, values }
}

fn read<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks::<N>().0.iter().map(|&chunk| number(chunk)).collect()
}
