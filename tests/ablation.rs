//! What is taken away is what a matrix without that head's part lacks.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use qkv_model::{NormConfig, SelfAttention, Stage, Transformer, TransformerConfig};
use qkv_train::{Ablation, Batch, Evaluation, Model, Replacement, Site, evaluate};

use crate::backends::{places, tolerance};
use crate::numbers::{assert_close, tensor, values};
use crate::transformers::{EXAMPLES, N_EXAMPLES, N_HEADS, N_LAYERS, config, transformer};

/// Plain, with all that may stand around a head, and with shared keys and values.
fn configs() -> [TransformerConfig; 3] {
    let around = TransformerConfig { bias: true, d_mlp: 17, norm: NormConfig::Post, ..config() };
    [config(), around, TransformerConfig { n_kv_heads: Some(1), ..config() }]
}

fn measure<M: Model>(model: &M, device: &Device) -> Evaluation {
    evaluate(model, EXAMPLES, N_EXAMPLES, device).unwrap()
}

#[track_caller]
fn assert_same(what: &str, got: Evaluation, want: Evaluation, dtype: DType) {
    let all = |e: Evaluation| [e.loss, e.accuracy, e.sequence_accuracy, e.examples as f64];
    assert_close(what, &all(got), &all(want), tolerance(dtype, 1e-5, 1e-13));
}

/// Sets rows or columns of a matrix, or a part of a bias, to zero.
fn clear<const D: usize>(param: &mut Option<Param<Tensor<D>>>, axis: usize, part: std::ops::Range<usize>) {
    *param = param.take().map(|param| {
        param.map(|x| {
            let mut ranges = x.dims().map(|len| 0..len);
            ranges[axis] = part;
            let zeros = x.clone().slice(ranges.clone()).zeros_like();
            x.slice_assign(ranges, zeros)
        })
    });
}

/// The layer without one stage of one head.
fn without(layer: &mut SelfAttention, stage: Stage, head: usize) {
    let of = |width: usize| head * width..(head + 1) * width;
    let (d_k, d_v) = (of(layer.d_k()), of(layer.d_v()));
    match stage {
        Stage::Queries => {
            clear(&mut layer.w_q, 1, d_k.clone());
            clear(&mut layer.b_q, 0, d_k);
        }
        Stage::Keys => {
            clear(&mut layer.w_k, 1, d_k.clone());
            clear(&mut layer.b_k, 0, d_k);
        }
        Stage::Values => {
            clear(&mut layer.w_v, 1, d_v.clone());
            clear(&mut layer.b_v, 0, d_v);
        }
        _ => clear(&mut layer.w_o, 0, d_v),
    }
}

#[test]
fn a_part_of_a_head_taken_away_is_that_part_of_its_matrix_set_to_zero() {
    for (device, dtype) in places() {
        for config in configs() {
            let model = transformer(&config, (&device, dtype));
            let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, &device).unwrap();
            let n_kv_heads = config.n_kv_heads.unwrap_or(N_HEADS);
            assert_eq!(ablation.sites().len(), N_LAYERS * 2 * (N_HEADS + n_kv_heads));
            for site in ablation.sites() {
                let effect = ablation.without(&[site], Replacement::Zero).unwrap();
                let mut maimed = model.clone();
                without(&mut maimed.blocks[site.layer].attention, site.stage, site.head);
                assert_same(&format!("{site:?}"), effect.after, measure(&maimed, &device), dtype);
                assert!(effect.loss().abs() > 1e-5, "{site:?} does nothing: {effect:?}");
            }
        }
    }
}

#[test]
fn several_are_taken_away_at_once() {
    for (device, dtype) in places() {
        let model = transformer(&config(), (&device, dtype));
        let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, &device).unwrap();
        let sites = [(0, 2), (1, 0), (1, 1)].map(|(layer, head)| Site { layer, stage: Stage::Context, head });
        let mut maimed = model.clone();
        for site in sites {
            without(&mut maimed.blocks[site.layer].attention, site.stage, site.head);
        }
        let effect = ablation.without(&sites, Replacement::Zero).unwrap();
        assert_same("three heads", effect.after, measure(&maimed, &device), dtype);
    }
}

/// The mean of what a head gives, by hand: `d_v` numbers.
fn mean_context(model: &Transformer, layer: usize, head: usize, device: &Device) -> Vec<f64> {
    let batch = Batch::draw(EXAMPLES, 0, N_EXAMPLES as usize, device).unwrap();
    let mut seen = None;
    let mut keep = |at, stage, x: Tensor<4>| {
        if (at, stage) == (layer, Stage::Context) {
            seen = Some(x.clone());
        }
        x
    };
    model.features_with(batch.tokens, &mut keep);
    let context = seen.unwrap();
    let [n_examples, n_heads, seq_len, d_v] = context.dims();
    let context = values(&context);
    let mut mean = vec![0.0; d_v];
    for example in 0..n_examples {
        for position in 0..seq_len {
            for (at, mean) in mean.iter_mut().enumerate() {
                *mean += context[((example * n_heads + head) * seq_len + position) * d_v + at];
            }
        }
    }
    mean.iter().map(|sum| sum / (n_examples * seq_len) as f64).collect()
}

#[test]
fn a_head_at_its_mean_is_a_bias_and_no_head() {
    for (device, dtype) in places() {
        let config = TransformerConfig { bias: true, ..config() };
        let model = transformer(&config, (&device, dtype));
        let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, &device).unwrap();
        for (layer, head) in [(0, 1), (1, 2)] {
            let mean = mean_context(&model, layer, head, &device);
            let mean = tensor((&device, dtype), &mean, [1, mean.len()]);
            let mut maimed = model.clone();
            let attention = &mut maimed.blocks[layer].attention;
            let always = mean.matmul(attention.w_o(head).unwrap()).squeeze_dim::<1>(0);
            attention.b_o = attention.b_o.take().map(|b_o| b_o.map(|b_o| b_o + always));
            without(attention, Stage::Context, head);
            let site = Site { layer, stage: Stage::Context, head };
            let effect = ablation.without(&[site], Replacement::Mean).unwrap();
            assert_same("at its mean", effect.after, measure(&maimed, &device), dtype);
            let zero = ablation.without(&[site], Replacement::Zero).unwrap();
            assert!((zero.loss() - effect.loss()).abs() > 1e-5, "the mean is nearly zero");
        }
    }
}

#[test]
fn nothing_taken_away_changes_nothing() {
    for (device, dtype) in places() {
        for config in configs() {
            let model = transformer(&config, (&device, dtype));
            let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, &device).unwrap();
            assert_same("before", ablation.before(), measure(&model, &device), dtype);
            for replacement in [Replacement::Zero, Replacement::Mean] {
                let effect = ablation.without(&[], replacement).unwrap();
                assert_eq!(effect.after, ablation.before());
                assert_eq!((effect.loss(), effect.accuracy()), (0.0, 0.0));
            }
        }
    }
}

#[test]
fn a_head_without_weights_gives_nothing_and_one_with_mean_weights_still_mixes() {
    for (device, dtype) in places() {
        let model = transformer(&config(), (&device, dtype));
        let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, &device).unwrap();
        let after = |stage, replacement| {
            let site = Site { layer: 0, stage, head: 0 };
            ablation.without(&[site], replacement).unwrap().after
        };
        let nothing = after(Stage::Context, Replacement::Zero);
        assert_same("no weights", after(Stage::Weights, Replacement::Zero), nothing, dtype);
        let mean_weights = after(Stage::Weights, Replacement::Mean).loss;
        assert!((mean_weights - after(Stage::Context, Replacement::Mean).loss).abs() > 1e-5);
    }
}

#[test]
fn a_head_that_is_not_there_is_refused() {
    let device = Device::flex();
    let model = transformer(&configs()[2], (&device, DType::F32)).valid();
    let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, &device).unwrap();
    let refused = |layer, stage, head| {
        let site = Site { layer, stage, head };
        ablation.without(&[site], Replacement::Mean).unwrap_err().to_string()
    };
    assert_eq!(refused(2, Stage::Keys, 0), "layer must be below 2 for the layers of the model, got 2");
    assert_eq!(refused(0, Stage::Context, 3), "head must be below 3 for the context of layer 0, got 3");
    assert_eq!(refused(1, Stage::Keys, 1), "head must be below 1 for the keys of layer 1, got 1");
}
