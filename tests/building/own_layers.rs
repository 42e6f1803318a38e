//! The attention layer of the example `own_layer`, heads that are gated at every position, in a transformer and a
//! registry.

use burn::tensor::{DType, Device, Int, Tensor};
use qkv_model::{
    AttentionLayer, Catalog, Choice, Init, Mode, NoSettings, Query, SelfAttentionConfig, Stage, Transformer,
    TransformerConfig, parameters,
};
use qkv_train::{Ablation, ConfigSource, Model, Registry, Replacement, Site, TrainError, attribute};

use crate::building::trained;
use crate::support::backends::{device, places, tolerance};
use crate::support::differences::{Scalars, check};
use crate::support::numbers::{assert_close, random_tensor, values};
use crate::support::transformers::{EXAMPLES, N_EXAMPLES, N_HEADS, config};

/// The example with the layer.
#[expect(dead_code, reason = "its `main`")]
#[path = "../../examples/own_layer.rs"]
mod own_layer;

use own_layer::GatedHeads;

fn catalog() -> Catalog {
    Catalog::default().attention("gated-heads", GatedHeads::build)
}

fn gated() -> TransformerConfig {
    TransformerConfig { layer: Choice::new("gated-heads"), ..config() }
}

/// What each block asks for.
fn attention() -> SelfAttentionConfig {
    SelfAttentionConfig { d_v: 2, d_out: Some(12), n_heads: N_HEADS, ..SelfAttentionConfig::new(12, 4) }
}

fn build((device, dtype): (&Device, DType), config: &TransformerConfig) -> Transformer {
    config.init_with(&Init::new(device, 1).with_dtype(dtype), &catalog()).unwrap()
}

fn tokens(device: &Device) -> Tensor<3, Int> {
    Tensor::from_data([[[0], [1], [4], [0], [1], [4], [0]], [[3], [2], [2], [3], [2], [2], [3]]], device)
}

#[test]
fn it_stands_in_every_block_with_its_parameters_below() {
    let device = device();
    let model = build((&device, DType::F32), &gated());
    assert!(model.blocks.iter().all(|block| block.self_attention().is_none()));
    let own = parameters(&model).into_iter().filter(|parameter| parameter.path.ends_with("w_gate"));
    let own: Vec<(String, Vec<usize>)> = own.map(|parameter| (parameter.path, parameter.shape)).collect();
    let shape = vec![12, N_HEADS];
    assert_eq!(own, [0, 1].map(|layer| (format!("blocks.{layer}.attention.w_gate"), shape.clone())));
    let layers = model.layers();
    let paths: Vec<&str> = layers.iter().map(|layer| layer.path.as_str()).collect();
    assert_eq!(paths, ["blocks.0.attention.heads", "blocks.1.attention.heads"]);
    assert!(layers.iter().all(|layer| layer.n_heads == N_HEADS && layer.reference_reason.is_none()));
    let matrix = format!("{}.w_q", paths[0]);
    assert!(parameters(&model).iter().any(|parameter| parameter.path == matrix));
}

#[test]
fn by_kernels_and_by_stages_it_gives_the_same_gated_contexts() {
    for place @ (device, dtype) in places() {
        let model = build(place, &gated());
        let rounding = tolerance(dtype, 1e-5, 1e-13);
        let mut nothing = |_: usize, _: Stage, x: Tensor<4>| x;
        let shown = model.features_with(tokens(device), Mode::Evaluate, &mut nothing);
        let features = model.features(tokens(device), Mode::Evaluate);
        assert_close("features", &values(&features), &values(&shown), rounding);
        // A gate of σ(0) = 1/2 halves what attention adds to the residual stream.
        let init = Init::new(device, 1).with_dtype(dtype);
        let half = Choice::new("gated-heads").with("sharpness", 0.0);
        let half = catalog().build_attention(&half, &init, &attention()).unwrap();
        let whole = attention().init(&init.enter("heads")).unwrap();
        let x = random_tensor(place, "x", [2, 7, 12]);
        let mask = model.mask(&tokens(device));
        let whole = whole.forward(x.clone(), &mask, Mode::Evaluate);
        let got = half.forward(x, &mask, Mode::Evaluate);
        assert_close("half", &values(&got), &values(&whole.mul_scalar(0.5)), rounding);
    }
}

#[test]
fn its_gradients_are_those_of_central_differences() {
    let learning = device().autodiff();
    check(
        "gated heads",
        [&build((&learning, DType::F64), &gated()), &build((&device(), DType::F64), &gated())],
        &Scalars::Sample(3),
        |_| false,
        |model| {
            let device = model.embedding.table.val().device();
            model.forward(tokens(&device), Mode::Evaluate)
        },
    );
}

#[test]
fn commands_walk_through_it_and_ablate_it() {
    for place @ (device, dtype) in places() {
        let model = build(place, &gated());
        let maps = model.attention_weights(tokens(device));
        let place = Query { layer: 1, head: 2, position: 5 };
        let trace = Model::trace(&model, tokens(device).narrow(0, 1, 1).squeeze_dim(0), place).unwrap();
        let row = maps[1].clone().slice([1..2, 2..3, 5..6]);
        assert_close("weights", &values(&trace.weights), &values(&row), tolerance(dtype, 1e-6, 1e-14));
        assert_eq!(trace.changed, [Stage::Context]);
        let mixed = trace.weights.unsqueeze::<2>().matmul(trace.v);
        let ratio: Vec<f64> =
            values(&trace.context).iter().zip(values(&mixed)).map(|(gated, mixed)| gated / mixed).collect();
        assert!(ratio.iter().all(|&gate| gate > 0.0 && gate < 1.0), "one gate for the head: {ratio:?}");
        assert_close("gate", &ratio, &vec![ratio[0]; ratio.len()], tolerance(dtype, 1e-4, 1e-12));
        let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, device).unwrap();
        let site = Site { layer: 0, stage: Stage::Context, head: 1 };
        assert!(ablation.without(&[site], Replacement::Zero).unwrap().loss_change().abs() > 1e-6);
        let refused = attribute(&model, EXAMPLES, 1, device).err().unwrap().to_string();
        assert!(refused.contains("cannot be taken apart"), "{refused}");
    }
}

#[test]
fn a_config_names_it_and_it_trains_saves_and_loads() {
    let registry = Registry::new().attention("gated-heads", GatedHeads::build);
    let settings = ["model.layer={name=\"gated-heads\",sharpness=2.5}", "train.steps=5", "task.seq_len=7"];
    let experiment = registry.read(ConfigSource::Task("reverse"), &settings).unwrap();
    let layer = &experiment.config.model.settings["layer"];
    assert_eq!(layer.to_string(), r#"{"name":"gated-heads","sharpness":2.5}"#);
    trained(&experiment);
}

#[test]
fn a_layer_that_is_not_there_or_has_other_settings_is_refused() {
    let registry = Registry::new().attention("gated-heads", GatedHeads::build);
    let refused = |registry: &Registry, setting: &str| -> String {
        let error: TrainError = registry.read(ConfigSource::Task("reverse"), &[setting]).err().unwrap();
        error.to_string()
    };
    assert_eq!(
        refused(&registry, "model.layer=gated"),
        "unknown layer `gated`; choose one of gated-heads, self-attention"
    );
    assert_eq!(
        refused(&registry, "model.layer={name=\"gated-heads\",sharp=1}"),
        "unknown key `model.layer.sharp`; did you mean `model.layer.sharpness`?"
    );
    let taken = registry
        .attention("self-attention", |_: &NoSettings, init, config, catalog| config.init_with(init, catalog));
    assert_eq!(
        refused(&taken, "seed=1"),
        "the layer name `self-attention` is taken; register yours under another name"
    );
}

#[test]
fn its_initial_weights_follow_from_seed_and_path() {
    // The same layer, named and built by hand, starts at the same weights.
    let device = device();
    let by_name = build((&device, DType::F32), &gated());
    let init = Init::new(&device, 1).enter("blocks").enter("1").enter("attention");
    let by_hand =
        GatedHeads::build(&own_layer::Settings::default(), &init, &attention(), &catalog()).unwrap();
    let named: &GatedHeads = by_name.blocks[1].attention.downcast_ref().unwrap();
    for (named, by_hand) in parameters(named).iter().zip(parameters(&by_hand)) {
        assert_eq!((&named.path, &named.data), (&by_hand.path, &by_hand.data));
    }
}
