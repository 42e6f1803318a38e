//! A model that wraps a transformer and mixes its heads before and after the softmax: it learns, and everything that a
//! transformer shows it shows, too.

use burn::module::{Module, Param, list_param_ids};
use burn::tensor::{DType, Device, Int, Tensor, einsum};
use qkv_model::{Hook, Init, Mode, Query, Stage, Training, Transformer, parameters};
use qkv_train::{Ablation, Hooked, Model, Recipe, Replacement, Site, TrainConfig, Trainer};

use crate::support::backends::{device, places, tolerance};
use crate::support::differences::{Scalars, check};
use crate::support::numbers::{assert_close, values};
use crate::support::transformers::{EXAMPLES, N_EXAMPLES, N_HEADS, N_LAYERS, TASK, config};

/// Every head hears all heads of its layer, before and after the softmax.
#[derive(Module, Debug)]
struct Mixing {
    inside: Transformer,
    /// `[heads, heads]` each.
    mix_scores: Vec<Param<Tensor<2>>>,
    mix_weights: Vec<Param<Tensor<2>>>,
}

impl Mixing {
    fn new((device, dtype): (&Device, DType)) -> Self {
        let init = Init::new(device, 2).with_dtype(dtype);
        let mixes = |name| {
            let of_layer = |layer| {
                let name = format!("{name}.{layer}");
                init.uniform(&name, [N_HEADS, N_HEADS], 1.0, Training::Learned)
            };
            (0..N_LAYERS).map(of_layer).collect()
        };
        Self {
            inside: config().init(&Init::new(device, 1).with_dtype(dtype)).unwrap(),
            mix_scores: mixes("mix_scores"),
            mix_weights: mixes("mix_weights"),
        }
    }
}

impl Model for Mixing {
    fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        self.hooked().unwrap().features(tokens, mode)
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        self.inside.unembed(features)
    }

    fn hooked(&self) -> Option<Hooked<'_>> {
        let hook = |layer: usize, stage, x: Tensor<4>| match stage {
            Stage::Scores => einsum!("bgqk,gh->bhqk", x, self.mix_scores[layer].val()),
            Stage::Weights => einsum!("bgqk,gh->bhqk", x, self.mix_weights[layer].val()),
            _ => x,
        };
        Some(Hooked { transformer: &self.inside, field: "inside", hook: Box::new(hook) })
    }
}

fn tokens(device: &Device) -> Tensor<3, Int> {
    Tensor::from_data([[[0], [1], [4], [0], [1], [4], [0]], [[3], [2], [2], [3], [2], [2], [3]]], device)
}

/// The tensors of one stage, layer by layer.
fn stage<M: Model>(model: &M, at: Stage) -> Vec<Vec<f64>> {
    let mut all = Vec::new();
    let mut keep = |_: usize, stage, x: Tensor<4>| {
        if stage == at {
            all.push(values(&x));
        }
        x
    };
    model.features_with(tokens(&device()), Mode::Evaluate, &mut keep).unwrap();
    all
}

#[test]
fn what_stands_between_two_stages_gets_the_gradient_of_central_differences() {
    let learning = device().autodiff();
    check(
        "mixing",
        [&Mixing::new((&learning, DType::F64)), &Mixing::new((&device(), DType::F64))],
        &Scalars::Sample(3),
        |_| false,
        |model| {
            let device = model.mix_scores[0].val().device();
            model.logits(model.features(tokens(&device), Mode::Evaluate).flatten::<2>(0, 1))
        },
    );
}

#[test]
fn it_is_trained_with_the_transformer_inside() {
    let device = device().autodiff();
    let start = Mixing::new((&device, DType::F32));
    let before = parameters(&start);
    assert_eq!(start.tables(), start.inside.tables());
    assert!(list_param_ids(&start.inside.embedding).iter().all(|id| start.tables().contains(id)));
    let recipe = Recipe { train: TrainConfig { steps: 5, ..TrainConfig::default() }, ..Recipe::default() };
    let end = Trainer::new(start, &TASK, recipe, &device).unwrap().run().unwrap();
    for (before, after) in before.iter().zip(parameters(&end.state.model)) {
        assert_ne!(before.data, after.data, "{} did not move", after.path);
    }
}

#[test]
fn scores_are_mixed_before_the_softmax_and_weights_after_it() {
    let places = places();
    for place @ (device, dtype) in places {
        let model = Mixing::new(place);
        let shape = [2, N_HEADS, 7, 7];
        let mixed = |layer: usize, x: &[f64], mix: &[Param<Tensor<2>>]| {
            let mix = values(&mix[layer].val());
            let at = |b: usize, h: usize, rest: usize| (b * N_HEADS + h) * 49 + rest;
            let sum =
                |b, h, rest| -> f64 { (0..N_HEADS).map(|g| x[at(b, g, rest)] * mix[g * N_HEADS + h]).sum() };
            let all =
                (0..2).flat_map(|b| (0..N_HEADS).flat_map(move |h| (0..49).map(move |rest| (b, h, rest))));
            all.map(|(b, h, rest)| sum(b, h, rest)).collect::<Vec<f64>>()
        };
        // What the first layer makes of the same input without the mixing.
        let mut plain = Vec::new();
        model.inside.features_with(tokens(device), Mode::Evaluate, &mut |layer, _, x: Tensor<4>| {
            if layer == 0 {
                plain.push(values(&x));
            }
            x
        });
        let [scores, weights] = [4, 5].map(|at| plain[at].clone());
        let trace = |query| model.trace(tokens(device).narrow(0, 0, 1).squeeze_dim(0), query).unwrap();
        let want = mixed(0, &scores, &model.mix_scores);
        let rounding = tolerance(dtype, 1e-5, 1e-13);
        let (head, position) = (2, 4);
        let row = |x: &[f64]| x[(head * 7 + position) * 7..][..7].to_vec();
        let of_query = trace(Query { layer: 0, head, position });
        assert_close("scaled", &values(&of_query.scaled), &row(&scores), rounding);
        assert_close("hooked", &values(&of_query.hooked), &row(&want), rounding);
        // The last two keys come after position 4.
        let raised: Vec<f64> = row(&want)[..5].iter().map(|score| score.exp()).collect();
        let softmax: Vec<f64> =
            raised.iter().map(|e| e / raised.iter().sum::<f64>()).chain([0.0; 2]).collect();
        assert_close("softmax", &values(&of_query.softmax), &softmax, rounding);
        assert_ne!(row(&weights), softmax);
        let all_softmax: Vec<f64> = (0..N_HEADS)
            .map(|head| trace(Query { layer: 0, head, position }))
            .flat_map(|trace| values(&trace.softmax))
            .collect();
        let mix = values(&model.mix_weights[0].val());
        let by_hand: Vec<f64> = (0..7)
            .map(|key| (0..N_HEADS).map(|g| all_softmax[g * 7 + key] * mix[g * N_HEADS + head]).sum())
            .collect();
        assert_close("weights", &values(&of_query.weights), &by_hand, rounding);
        assert_eq!(scores.len(), shape.iter().product::<usize>());
    }
}

#[test]
fn a_causal_model_stays_causal() {
    let device = device();
    let model = Mixing::new((&device, DType::F32));
    let features =
        |tokens: Tensor<3, Int>| values(&model.features(tokens, Mode::Evaluate).slice([0..2, 0..5]));
    let tokens = tokens(&device);
    let other = tokens.clone().slice_assign([0..2, 5..7, 0..1], Tensor::zeros([2, 2, 1], &device));
    assert_ne!(values(&other.clone().float()), values(&tokens.clone().float()));
    assert_eq!(features(other), features(tokens));
}

#[test]
fn what_a_transformer_shows_is_shown_under_the_models_own_hook() {
    for place @ (device, dtype) in places() {
        let model = Mixing::new(place);
        let layers = model.layers();
        let paths: Vec<&str> = layers.iter().map(|layer| layer.path.as_str()).collect();
        assert_eq!(paths, ["inside.blocks.0.attention", "inside.blocks.1.attention"]);
        assert_eq!((model.tables(), model.outputs()), (model.inside.tables(), model.inside.outputs()));
        assert!(!model.outputs().is_empty());
        let matrix = format!("{}.w_q", layers[1].path);
        assert!(parameters(&model).iter().any(|parameter| parameter.path == matrix));
        assert!(layers.iter().all(|layer| layer.n_heads == N_HEADS && layer.reference_reason.is_some()));
        let maps: Vec<Vec<f64>> = model.attention_weights(tokens(device)).iter().map(values).collect();
        assert_eq!(maps, stage(&model, Stage::Weights), "a command's hook sees what the model returned");
        assert_ne!(
            maps,
            model.inside.attention_weights(tokens(device)).iter().map(values).collect::<Vec<_>>()
        );
        let query = Query { layer: 1, head: 1, position: 6 };
        let trace = model.trace(tokens(device).narrow(0, 1, 1).squeeze_dim(0), query).unwrap();
        let row = &maps[1][((N_HEADS + 1) * 7 + 6) * 7..][..7];
        assert_close("weights", &values(&trace.weights), row, tolerance(dtype, 1e-6, 1e-14));
        let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, device).unwrap();
        let site = Site { layer: 1, stage: Stage::Context, head: 0 };
        assert!(ablation.sites().contains(&site));
        assert!(ablation.without(&[site], Replacement::Zero).unwrap().loss_change().abs() > 1e-6);
        assert!(
            model.contributions(tokens(device)).is_none(),
            "its heads are no longer those of the transformer"
        );
    }
}

#[test]
fn a_command_changes_what_the_model_returned() {
    let device = device();
    let model = Mixing::new((&device, DType::F32));
    let mut uniform =
        |_: usize, stage, x: Tensor<4>| if stage == Stage::Weights { x.zeros_like() } else { x };
    let hook: &mut dyn Hook = &mut uniform;
    let without = model.features_with(tokens(&device), Mode::Evaluate, hook).unwrap();
    let mut nothing =
        |_: usize, stage, x: Tensor<4>| if stage == Stage::Context { x.zeros_like() } else { x };
    let want = model.features_with(tokens(&device), Mode::Evaluate, &mut nothing).unwrap();
    assert_eq!(values(&without), values(&want), "weights of zero, whatever the mixing makes of others");
}
