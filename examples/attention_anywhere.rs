//! Fused attention in a plain Burn module: nothing else of this project is needed.
//!
//! ```text
//! cargo run --release --example attention_anywhere
//! ```
//! ends with `the context and every gradient are those of Burn's own attention`.

use anyhow::{Result, ensure};
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Distribution, Tensor, module};
use qkv_model::{AttentionSpec, CausalAlign, Mask, attention};

/// Causal self-attention as one would write it in Burn.
#[derive(Module, Debug)]
struct CausalAttention {
    qkv: Linear,
    n_heads: usize,
}

impl CausalAttention {
    /// `x`: `[batch, seq_len, d_model]`; `attend` gets queries, keys and values, `[batch, heads, seq_len, d]`.
    fn forward(&self, x: Tensor<3>, attend: fn([Tensor<4>; 3]) -> Tensor<4>) -> Tensor<3> {
        let [batch, seq_len, d_model] = x.dims();
        let qkv = self.qkv.forward(x).reshape([batch, seq_len, 3 * self.n_heads, d_model / self.n_heads]);
        let heads = |at: usize| qkv.clone().narrow(2, at * self.n_heads, self.n_heads).swap_dims(1, 2);
        attend([heads(0), heads(1), heads(2)]).swap_dims(1, 2).reshape([batch, seq_len, d_model])
    }
}

fn main() -> Result<()> {
    let device = Device::flex().autodiff();
    let layer = CausalAttention { qkv: LinearConfig::new(64, 3 * 64).init(&device), n_heads: 4 };
    let x = Tensor::<3>::random([8, 256, 64], Distribution::Normal(0.0, 1.0), &device);
    let run = |attend: fn([Tensor<4>; 3]) -> Tensor<4>| {
        let context = layer.forward(x.clone(), attend);
        let gradients = context.clone().powi_scalar(2).mean().backward();
        (context.inner(), layer.qkv.weight.grad(&gradients).expect("the weight is learned"))
    };
    let ours =
        run(|[q, k, v]| attention(&AttentionSpec::default(), q, k, v, &Mask::causal(CausalAlign::TopLeft)));
    let burns = run(|[q, k, v]| {
        let options = AttentionModuleOptions { is_causal: true, ..Default::default() };
        module::attention(q, k, v, None, None, options)
    });
    for (name, difference, size) in [
        ("context", (ours.0 - burns.0.clone()).abs().max(), burns.0.abs().max()),
        ("gradient of the weight", (ours.1 - burns.1.clone()).abs().max(), burns.1.abs().max()),
    ] {
        let [difference, size] = [difference, size].map(Tensor::into_scalar::<f32>);
        println!("{name}: largest number {size:.2e}, largest difference {difference:.0e}");
        ensure!(difference < 1e-4 * size, "the {name} differs by {difference}");
    }
    println!("the context and every gradient are those of Burn's own attention");
    Ok(())
}
