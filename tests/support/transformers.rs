//! Small causal transformers whose every parameter is random, and inputs of which some positions carry loss.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, Device, Int, Tensor};
use qkv_model::{
    Activation, Choice, Init, MaskConfig, Mode, NormConfig, NormKind, Stage, Transformer, TransformerConfig,
};
use qkv_train::{Batch, Examples, Induction, InductionForm, Split};

use crate::support::numbers::random_tensor;

pub const N_LAYERS: usize = 2;
pub const N_HEADS: usize = 3;

/// Two batches: no more than 256 examples are run at once.
pub const N_EXAMPLES: u64 = 263;

/// What the models are asked.
pub const TASK: Induction = Induction { form: InductionForm::Repeated, seq_len: 7, n_symbols: 5 };

/// The inputs of every test.
pub const EXAMPLES: Examples<'static> = Examples { task: &TASK, seed: 0, split: Split::Test };

/// Two layers of three heads with W_O.
pub fn config() -> TransformerConfig {
    TransformerConfig {
        n_heads: N_HEADS,
        n_layers: N_LAYERS,
        d_k: Some(4),
        d_v: Some(2),
        w_o: true,
        mask: MaskConfig::Causal.into(),
        positions: Choice::new("learned"),
        ..TransformerConfig::new(TASK.n_symbols, TASK.seq_len, 12)
    }
}

/// Models with every part that one may have or lack.
pub fn with_every_part() -> Vec<TransformerConfig> {
    let d_v = Some(4);
    let all = TransformerConfig { bias: true, d_mlp: 17, tied: true, ..config() };
    vec![
        config(),
        TransformerConfig { w_o: false, d_v, ..config() },
        TransformerConfig { norm_kind: NormKind::Rms.into(), ..config() },
        TransformerConfig { norm: NormConfig::None, ..config() },
        TransformerConfig { positions: Choice::new("sinusoidal"), ..config() },
        TransformerConfig { positions: Choice::new("rope"), ..config() },
        TransformerConfig {
            n_kv_heads: Some(1),
            activation: Activation::Swiglu.into(),
            d_mlp: 17,
            ..config()
        },
        TransformerConfig { norm: NormConfig::Post, ..all.clone() },
        TransformerConfig { norm: NormConfig::Post, norm_kind: NormKind::Rms.into(), ..all.clone() },
        TransformerConfig { norm: NormConfig::None, ..all.clone() },
        TransformerConfig { w_o: false, d_v, ..all.clone() },
        all,
    ]
}

/// Norms too are no longer the identity at their start.
pub fn transformer(config: &TransformerConfig, (device, dtype): (&Device, DType)) -> Transformer {
    let model = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
    shaken(model, (device, dtype))
}

/// The model with every parameter away from where it starts.
pub fn shaken<M: Module>(model: M, place: (&Device, DType)) -> M {
    model.map(&mut Shake { place })
}

/// What the model computes of one stage of one layer.
pub fn seen(model: &Transformer, tokens: Tensor<3, Int>, at: (usize, Stage)) -> Tensor<4> {
    let mut seen = None;
    let mut keep = |layer, stage, x: Tensor<4>| {
        if (layer, stage) == at {
            seen = Some(x.clone());
        }
        x
    };
    model.features_with(tokens, Mode::Evaluate, &mut keep);
    seen.unwrap()
}

/// Mean cross-entropy of the positions that carry loss, by Burn's own operations.
pub fn loss_of(model: &Transformer, features: Tensor<3>, batch: &Batch) -> f64 {
    let logits = model.unembed(features).flatten::<2>(0, 1).select(0, batch.positions.clone());
    let log_probs = log_softmax(logits, 1);
    -log_probs.gather(1, batch.targets.clone().unsqueeze_dim(1)).mean().into_scalar::<f64>()
}

struct Shake<'a> {
    place: (&'a Device, DType),
}

impl ModuleMapper for Shake<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|x| {
            let shake = random_tensor(self.place, "shake", x.dims()).mul_scalar(0.3);
            x + shake
        })
    }
}
