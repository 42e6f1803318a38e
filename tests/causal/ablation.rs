//! What is taken away is what a matrix without that head's part lacks.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor};
use qkv_model::{Contribution, Hook, Mode, NormConfig, SelfAttention, Stage, Transformer, TransformerConfig};
use qkv_train::{Ablation, Batch, Evaluation, Model, Replacement, Site, attribute, evaluate};

use crate::support::backends::{places, tolerance};
use crate::support::numbers::{assert_close, tensor, values};
use crate::support::transformers::{
    EXAMPLES, N_EXAMPLES, N_HEADS, N_LAYERS, config, loss_of, seen, transformer,
};

/// Plain, with all that may stand around a head, and with shared keys and values.
fn configs() -> [TransformerConfig; 3] {
    let around = TransformerConfig { bias: true, d_mlp: 17, norm: NormConfig::Post, ..config() };
    [config(), around, TransformerConfig { n_kv_heads: Some(1), ..config() }]
}

fn measure<M: Model>(model: &M, device: &Device) -> Evaluation {
    evaluate(model, EXAMPLES, N_EXAMPLES, device).unwrap()
}

#[track_caller]
fn assert_same(what: &str, got: &Evaluation, want: &Evaluation, dtype: DType) {
    let all = |e: &Evaluation| [e.loss, e.accuracy, e.sequence_accuracy, e.examples as f64];
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
    for place @ (device, dtype) in places() {
        for config in configs() {
            let model = transformer(&config, place);
            let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, device).unwrap();
            let n_kv_heads = config.n_kv_heads.unwrap_or(N_HEADS);
            assert_eq!(ablation.sites().len(), N_LAYERS * 2 * (N_HEADS + n_kv_heads));
            for site in ablation.sites() {
                let effect = ablation.without(&[site], Replacement::Zero).unwrap();
                let mut maimed = model.clone();
                without(maimed.blocks[site.layer].attention.downcast_mut().unwrap(), site.stage, site.head);
                assert_same(&format!("{site:?}"), &effect.after, &measure(&maimed, device), dtype);
                assert!(effect.loss_change().abs() > 1e-5, "{site:?} does nothing: {effect:?}");
            }
        }
    }
}

#[test]
fn several_are_taken_away_at_once() {
    for place @ (device, dtype) in places() {
        let model = transformer(&config(), place);
        let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, device).unwrap();
        let sites = [(0, 2), (1, 0), (1, 1)].map(|(layer, head)| Site { layer, stage: Stage::Context, head });
        let mut maimed = model.clone();
        for site in sites {
            without(maimed.blocks[site.layer].attention.downcast_mut().unwrap(), site.stage, site.head);
        }
        let effect = ablation.without(&sites, Replacement::Zero).unwrap();
        assert_same("three heads", &effect.after, &measure(&maimed, device), dtype);
    }
}

/// The mean over the examples of one head at every position, by hand, in the place of what the head has.
fn at_its_mean(x: &Tensor<4>, head: usize, place: (&Device, DType)) -> Tensor<4> {
    let [n_examples, n_heads, len, width] = x.dims();
    let mut numbers = values(x);
    let index = |example, position, at| ((example * n_heads + head) * len + position) * width + at;
    for (position, at) in (0..len).flat_map(|position| (0..width).map(move |at| (position, at))) {
        let sum: f64 = (0..n_examples).map(|example| numbers[index(example, position, at)]).sum();
        for example in 0..n_examples {
            numbers[index(example, position, at)] = sum / n_examples as f64;
        }
    }
    tensor(place, &numbers, [n_examples, n_heads, len, width])
}

#[test]
fn a_part_at_its_mean_has_at_every_position_the_mean_over_the_examples() {
    let stages = [Stage::Queries, Stage::Keys, Stage::Values, Stage::Weights, Stage::Context];
    for place @ (device, dtype) in places() {
        let model = transformer(&config(), place);
        let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, device).unwrap();
        let batch = Batch::draw(EXAMPLES, 0, N_EXAMPLES as usize, device).unwrap();
        for (stage, layer, head) in stages.iter().flat_map(|&stage| [(stage, 0, 1), (stage, 1, 2)]) {
            let instead = at_its_mean(&seen(&model, batch.tokens.clone(), (layer, stage)), head, place);
            let mut hook =
                |at, of, x: Tensor<4>| if (at, of) == (layer, stage) { instead.clone() } else { x };
            let features = model.features_with(batch.tokens.clone(), Mode::Evaluate, &mut hook);
            let loss = loss_of(&model, features, &batch);
            let site = Site { layer, stage, head };
            let effect = ablation.without(&[site], Replacement::Mean).unwrap();
            let rounding = tolerance(dtype, 1e-5, 1e-13);
            assert_close(&format!("{site:?}"), &[effect.after.loss], &[loss], rounding);
            let zero = ablation.without(&[site], Replacement::Zero).unwrap();
            assert!(
                (zero.loss_change() - effect.loss_change()).abs() > 1e-6,
                "{site:?}: the mean is nearly zero"
            );
        }
    }
}

#[test]
fn nothing_taken_away_changes_nothing() {
    for place @ (device, dtype) in places() {
        for config in configs() {
            let model = transformer(&config, place);
            let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, device).unwrap();
            assert_same("before", ablation.before(), &measure(&model, device), dtype);
            for replacement in [Replacement::Zero, Replacement::Mean] {
                let effect = ablation.without(&[], replacement).unwrap();
                assert_eq!(effect.after, *ablation.before());
                assert_eq!((effect.loss_change(), effect.accuracy_change()), (0.0, 0.0));
            }
        }
    }
}

#[test]
fn a_head_without_weights_gives_nothing_and_one_with_mean_weights_still_mixes() {
    for place @ (device, dtype) in places() {
        let model = transformer(&config(), place);
        let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, device).unwrap();
        let after = |stage, replacement| {
            let site = Site { layer: 0, stage, head: 0 };
            ablation.without(&[site], replacement).unwrap().after
        };
        let nothing = after(Stage::Context, Replacement::Zero);
        assert_same("no weights", &after(Stage::Weights, Replacement::Zero), &nothing, dtype);
        let mean_weights = after(Stage::Weights, Replacement::Mean).loss;
        assert!((mean_weights - after(Stage::Context, Replacement::Mean).loss).abs() > 1e-5);
    }
}

/// Counts its only layer twice in one pass, and lists each contribution in two halves.
#[derive(Module, Debug)]
struct Twice {
    inner: Transformer,
}

impl Model for Twice {
    fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        self.inner.features(tokens, mode)
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        self.inner.unembed(features)
    }

    fn features_with(&self, tokens: Tensor<3, Int>, mode: Mode, hook: &mut dyn Hook) -> Option<Tensor<3>> {
        self.inner.features_with(tokens.clone(), mode, hook);
        Some(self.inner.features_with(tokens, mode, hook))
    }

    fn contributions(&self, tokens: Tensor<3, Int>) -> Option<Vec<Contribution>> {
        let halves = self.inner.contributions(tokens).unwrap().into_iter().flat_map(
            |Contribution { source, features }| {
                [0.25, 0.75].map(|share| Contribution { source, features: features.clone() * share })
            },
        );
        Some(halves.collect())
    }
}

#[test]
fn a_stage_that_is_shown_twice_is_refused_and_a_source_that_is_named_twice_is_one() {
    for place @ (device, dtype) in places() {
        let inner = transformer(&config(), place);
        let twice = Twice { inner: inner.clone() };
        assert_eq!(
            Ablation::new(&twice, EXAMPLES, N_EXAMPLES, device).unwrap_err().to_string(),
            "the model shows its hooks the residual stream of layer 0 4 times in 2 passes, so that they cannot be told apart; give \
             every attention an index of its own"
        );
        let halves = attribute(&twice, EXAMPLES, N_EXAMPLES, device).unwrap();
        let whole = attribute(&inner, EXAMPLES, N_EXAMPLES, device).unwrap();
        assert_eq!(halves.parts.len(), whole.parts.len());
        for (half, whole) in halves.parts.iter().zip(whole.parts) {
            assert_eq!(half.source, whole.source);
            assert_same(&format!("{:?}", half.source), &half.effect.after, &whole.effect.after, dtype);
        }
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
