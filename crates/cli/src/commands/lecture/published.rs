//! The numbers that the lecture's author published: chapter 3 of *Build a Large Language Model From Scratch*.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use qkv_model::{Init, SelfAttention, SelfAttentionConfig};
use serde_json::Value;

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

    /// The same on a device with autodiff.
    pub fn autodiff(&self) -> Self {
        Self { json: self.json.clone(), device: self.device.clone().autodiff() }
    }

    /// The six tokens, `[1, 6, 3]`.
    pub fn inputs(&self) -> Tensor<3> {
        self.matrix("/inputs").unsqueeze()
    }

    /// The matrix at a JSON pointer.
    pub fn matrix(&self, pointer: &str) -> Tensor<2> {
        let rows = self.json.pointer(pointer).and_then(Value::as_array).expect("the pointer names a matrix");
        let columns = rows[0].as_array().map_or(0, Vec::len);
        let values: Vec<f64> = rows.iter().flat_map(numbers).collect();
        let data = TensorData::new(values, [rows.len(), columns]).convert::<f32>();
        Tensor::from_data(data, &self.device)
    }

    /// The vector at a JSON pointer.
    pub fn vector(&self, pointer: &str) -> Tensor<1> {
        let values: Vec<f64> =
            self.json.pointer(pointer).map(|row| numbers(row).collect()).unwrap_or_default();
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]).convert::<f32>(), &self.device)
    }

    /// The number at a JSON pointer.
    pub fn number(&self, pointer: &str) -> f64 {
        self.json.pointer(pointer).and_then(Value::as_f64).expect("the pointer names a number")
    }

    /// The layer whose matrices are published under `step`; PyTorch's `[out, in]` is turned into `[in, out]`. `parts`
    /// names several steps whose heads stand side by side.
    pub fn layer(
        &self,
        parts: &[&str],
        n_heads: usize,
        d_out: Option<usize>,
    ) -> anyhow::Result<SelfAttention> {
        let matrix = |name: &str| {
            let of_part = |step: &&str| {
                let matrix = self.matrix(&format!("/{step}/{name}"));
                // The first step multiplies on the right, as the lecture and this project do.
                if *step == "v1_seed123" { matrix } else { matrix.transpose() }
            };
            Tensor::cat(parts.iter().map(of_part).collect(), 1)
        };
        let (w_q, w_k, w_v) = (matrix("W_query"), matrix("W_key"), matrix("W_value"));
        let [d_in, width] = w_q.dims();
        let config =
            SelfAttentionConfig { n_heads, d_out, ..SelfAttentionConfig::new(d_in, width / n_heads) };
        let mut layer = config.init(&Init::new(&self.device, 0))?;
        layer.w_q = Some(Param::from_tensor(w_q));
        layer.w_k = Some(Param::from_tensor(w_k));
        layer.w_v = Some(Param::from_tensor(w_v));
        Ok(layer)
    }
}

fn numbers(row: &Value) -> impl Iterator<Item = f64> {
    row.as_array().into_iter().flatten().map(|value| value.as_f64().expect("rows hold numbers"))
}
