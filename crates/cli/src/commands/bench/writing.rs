//! Writing 256 tokens, one after another: each position computed once, or all of them again for each token.

use anyhow::Result;
use burn::tensor::{Device, Int, Tensor, TensorData};
use qkv_model::{Decoding, Init, MaskConfig, Mode, Transformer};

use super::workload::{Workload, attention_flops};

/// How many.
const N_TOKENS: usize = 256;

/// A model that writes what it finds likeliest.
pub struct Writing {
    workload: Workload,
    model: Transformer,
    device: Device,
    /// Whether it keeps keys and values.
    keeps: bool,
}

impl Writing {
    pub fn new(workload: Workload, keeps: bool, device: &Device) -> Result<Self> {
        let workload = Workload { batch: 1, seq_len: N_TOKENS, ..workload };
        let model = workload.config().init(&Init::new(device, 0))?;
        Ok(Self { workload, model, device: device.clone(), keeps })
    }

    pub fn n_tokens(&self) -> usize {
        N_TOKENS
    }

    /// All tokens.
    pub fn step(&self) -> Result<()> {
        let mut decoding = self.model.decoding().filter(|_| self.keeps);
        let mut tokens = vec![0];
        for _ in 0..N_TOKENS {
            let features = match &mut decoding {
                Some(decoding) => decoding.feed(self.tensor(&tokens[tokens.len() - 1..])),
                None => self.model.features(self.tensor(&tokens), Mode::Evaluate),
            };
            let [_, n, _] = features.dims();
            let logits = self.model.unembed(features.narrow(1, n - 1, 1));
            tokens.push(logits.argmax(2).into_scalar::<i64>());
        }
        Ok(())
    }

    fn tensor(&self, tokens: &[i64]) -> Tensor<3, Int> {
        Tensor::from_data(TensorData::new(tokens.to_vec(), [1, tokens.len(), 1]), &self.device)
    }

    /// Additions and multiplications of the matrix products, as those of a training step are counted.
    pub fn flops(&self) -> f64 {
        let Workload { d_model, n_heads, n_layers, .. } = self.workload;
        let attention = |len: usize, mask| attention_flops(n_heads, len, d_model / n_heads, mask);
        let of_length = |len: usize| {
            let layers = match self.keeps {
                // The last row of the map.
                true => attention(len, MaskConfig::Causal) - attention(len - 1, MaskConfig::Causal),
                false => attention(len, MaskConfig::Causal),
            };
            let n_computed = if self.keeps { 1 } else { len };
            2.0 * (n_computed * self.workload.n_weights()) as f64 + n_layers as f64 * layers
        };
        (1..=N_TOKENS).map(of_length).sum()
    }
}
