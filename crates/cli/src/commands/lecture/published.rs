//! The numbers that the lecture's author published: chapter 3 of *Build a Large Language Model From Scratch*.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use qkv_model::{Init, SelfAttention, SelfAttentionConfig};
use serde_json::Value;

/// The sentence of the lecture, a word for each token.
pub const WORDS: [&str; 6] = ["Your", "journey", "starts", "with", "one", "step"];

/// The worked example, on one device.
pub struct Published {
    json: Value,
    device: Device,
}

impl Published {
    /// Sebastian Raschka, `ch03.ipynb`, Apache-2.0; see `crates/cli/published/README.md`.
    pub fn new(device: &Device) -> Self {
        let text = include_str!("../../../published/raschka_ch03.json");
        let json = serde_json::from_str(text).expect("the published numbers are JSON");
        Self { json, device: device.clone() }
    }

    /// The six tokens, `[1, 6, 3]`.
    pub fn inputs(&self) -> Tensor<3> {
        self.array::<2>("/inputs").unsqueeze()
    }

    /// The array of `D` axes at a JSON pointer.
    pub fn array<const D: usize>(&self, pointer: &str) -> Tensor<D> {
        let array = self.json.pointer(pointer).expect("the pointer names an array");
        let mut shape = [0; D];
        let mut first = array;
        for length in &mut shape {
            *length = first.as_array().map_or(0, Vec::len);
            first = &first[0];
        }
        let data = TensorData::new(numbers(array), shape).convert::<f32>();
        Tensor::from_data(data, &self.device)
    }

    /// The number at a JSON pointer.
    pub fn number(&self, pointer: &str) -> f64 {
        self.json.pointer(pointer).and_then(Value::as_f64).expect("the pointer names a number")
    }

    /// The layer whose matrices are published under `step`; PyTorch's `[out, in]` is turned into `[in, out]`. `parts`
    /// names several steps whose heads stand side by side.
    pub fn layer(&self, parts: &[&str], n_heads: usize) -> anyhow::Result<SelfAttention> {
        let matrix = |name: &str| {
            let of_part = |step: &&str| {
                let matrix = self.array::<2>(&format!("/{step}/{name}"));
                // The first step multiplies on the right, as the lecture and this project do.
                if *step == "v1_seed123" { matrix } else { matrix.transpose() }
            };
            Tensor::cat(parts.iter().map(of_part).collect(), 1)
        };
        let (w_q, w_k, w_v) = (matrix("W_query"), matrix("W_key"), matrix("W_value"));
        let [d_in, width] = w_q.dims();
        let config = SelfAttentionConfig { n_heads, ..SelfAttentionConfig::new(d_in, width / n_heads) };
        let mut layer = config.init(&Init::new(&self.device, 0))?;
        layer.w_q = Some(Param::from_tensor(w_q));
        layer.w_k = Some(Param::from_tensor(w_k));
        layer.w_v = Some(Param::from_tensor(w_v));
        Ok(layer)
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(rows) => rows.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().expect("arrays hold numbers")],
    }
}
