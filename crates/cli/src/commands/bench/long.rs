//! Attention alone, forward and backward, on one long sequence.

use anyhow::Result;
use burn::tensor::{Device, Tensor, TensorData};
use qkv_model::fused::supports;
use qkv_model::random::{Purpose, stream};
use qkv_model::{AttentionSpec, CausalAlign, Implementation, Mask, MaskConfig, attention};
use rand::RngExt;

use super::workload::attention_flops;

/// Heads, and the width of each.
const HEADS: usize = 4;
const D: usize = 64;

/// Queries, keys, values, and the gradient that comes back to the context.
pub struct LongAttention {
    device: Device,
    /// `[1, seq_len, heads·d]`, of every input.
    pub shape: [usize; 3],
    /// `q`, `k`, `v` and `d_context`.
    pub inputs: [Vec<f32>; 4],
}

/// The results: the context and the gradients of queries, keys and values.
pub type Outputs = [(&'static str, Tensor<3>); 4];

impl LongAttention {
    pub fn new(seq_len: usize, device: &Device) -> Self {
        let mut random = stream(0, Purpose::Examples, "long", seq_len as u64);
        let shape = [1, seq_len, HEADS * D];
        let n: usize = shape.iter().product();
        // Uniform with variance one.
        let inputs =
            [(); 4].map(|()| (0..n).map(|_| (random.random::<f32>() - 0.5) * 12_f32.sqrt()).collect());
        Self { device: device.clone().autodiff(), shape, inputs }
    }

    /// Additions and multiplications of a step, as those of a training step are counted.
    pub fn flops(&self) -> f64 {
        3.0 * attention_flops(HEADS, self.shape[1], D, MaskConfig::Causal)
    }

    /// The same, and nothing of it still to be computed: a card works while the program goes on.
    pub fn timed_step(&self) -> Result<()> {
        let outputs = self.step()?;
        self.device.sync()?;
        drop(outputs);
        Ok(())
    }

    /// One forward and backward, the copies to the device included.
    pub fn step(&self) -> Result<Outputs> {
        let tensor = |values: &Vec<f32>| {
            Tensor::<3>::from_data(TensorData::new(values.clone(), self.shape), &self.device)
        };
        let [q, k, v, d_context] = self.inputs.each_ref().map(tensor);
        let [q, k, v] = [q, k, v].map(Tensor::require_grad);
        // In host memory nothing else may be timed; a card has the reference implementation alone.
        let implementation = if supports(&q) { Implementation::Fused } else { Implementation::Reference };
        let spec = AttentionSpec { implementation, ..AttentionSpec::default() };
        let heads = |x: &Tensor<3>| x.clone().reshape([1, self.shape[1], HEADS, D]).swap_dims(1, 2);
        let context = attention(&spec, heads(&q), heads(&k), heads(&v), &Mask::causal(CausalAlign::TopLeft));
        let context = context.swap_dims(1, 2).reshape(self.shape);
        // The gradient of this sum by the context is `d_context`.
        let gradients = (context.clone() * d_context).sum().backward();
        let gradient = |of: &Tensor<3>| of.grad(&gradients).expect("it was asked for");
        Ok([
            ("context", context.inner()),
            ("d_q", gradient(&q)),
            ("d_k", gradient(&k)),
            ("d_v", gradient(&v)),
        ])
    }
}
