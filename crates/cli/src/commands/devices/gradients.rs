//! The gradients of small models on a device, beside those of the processor.

use anyhow::Result;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use qkv_model::{Activation, Choice, Init, MaskConfig, NormKind, TransformerConfig};
use qkv_train::{Batch, Examples, OptimizerState, Parts, Recipe, Reverse, Split, State};

use crate::session::device::probe::{caught_result, difference};

/// Examples in the batch.
const BATCH: usize = 13;

/// The largest difference of a gradient on the device from the processor's, relative to the largest one of its parameter.
///
/// # Errors
/// With what the driver of the device reports.
pub fn error(device: &Device) -> Result<f64> {
    caught_result(|| {
        let mut worst = 0.0_f64;
        for config in models() {
            let [expected, got] = [&Device::flex(), device].map(|device| gradients(&config, device));
            for (expected, got) in expected?.iter().zip(got?) {
                worst = worst.max(difference(&got, expected));
            }
        }
        Ok(worst)
    })
}

/// Between them all that a built-in model computes with on a device. Sizes are primes where they can be, so that no
/// kernel finds a full tile.
fn models() -> [TransformerConfig; 3] {
    let plain = TransformerConfig { d_mlp: 37, ..TransformerConfig::new(7, 11, 30) };
    let grouped = TransformerConfig {
        n_heads: 6,
        n_kv_heads: Some(2),
        d_k: Some(4),
        n_layers: 2,
        w_o: true,
        bias: true,
        qk_norm: true,
        mask: MaskConfig::Causal.into(),
        positions: Choice::new("rope"),
        norm_kind: NormKind::Rms.into(),
        activation: Activation::Swiglu.into(),
        ..plain.clone()
    };
    let additive = TransformerConfig {
        n_heads: 2,
        w_o: true,
        softcap: 5.0,
        score: Choice::new("additive"),
        positions: Choice::new("learned"),
        dropout: 0.25,
        ..plain.clone()
    };
    [plain, grouped, additive]
}

/// Of every parameter, in the order of the module.
fn gradients(config: &TransformerConfig, device: &Device) -> Result<Vec<TensorData>> {
    let device = device.clone().autodiff();
    let model = config.init(&Init::new(&device, 0))?;
    let task = Reverse { seq_len: config.seq_len, n_symbols: config.vocab_size };
    let examples = Examples { task: &task, seed: 0, split: Split::Train };
    let batch = Batch::draw(examples, 0, BATCH, &device)?;
    let state = State { step: 0, model, optimizer: OptimizerState::default() };
    let backward = state.backward(&Parts::new(Recipe::default())?, &batch)?;
    let mut collect = Collect { gradients: &backward.gradients, found: Vec::new() };
    state.model.visit(&mut collect);
    Ok(collect.found)
}

struct Collect<'a> {
    gradients: &'a GradientsParams,
    found: Vec<TensorData>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.extend(self.gradients.get::<D>(param.id).map(Tensor::into_data));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_has_its_own_gradients_and_every_model_has_some() -> Result<()> {
        assert_eq!(error(&Device::flex())?, 0.0);
        for config in models() {
            let gradients = gradients(&config, &Device::flex())?;
            assert!(gradients.len() >= 5, "{config:?}");
            for gradient in gradients {
                assert!(gradient.iter::<f64>().any(|value| value != 0.0), "{config:?}");
            }
        }
        Ok(())
    }
}
