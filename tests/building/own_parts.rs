//! Norms and activations of one's own by name, beside the built-in ones.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor};
use qkv_model::{
    Activate, Activation, AnyActivation, Catalog, Choice, Init, MaskConfig, Mlp, Mode, ModelError,
    NoSettings, NormConfig, NormKind, Normalize, Transformer, TransformerConfig, parameters,
};
use qkv_train::{ConfigSource, Model, Registry};
use serde::{Deserialize, Serialize};

use crate::building::own_masks::Window;
use crate::building::trained;
use crate::support::backends::{device, places, tolerance};
use crate::support::differences::{Scalars, check};
use crate::support::numbers::{assert_close, values};
use crate::support::panics::message;
use crate::support::transformers::config;

/// `y = tanh(α x) γ`.
#[derive(Module, Debug)]
struct DynamicTanh {
    alpha: Param<Tensor<1>>,
    gamma: Param<Tensor<1>>,
}

impl DynamicTanh {
    fn build(_: &NoSettings, init: &Init, d_model: usize) -> Result<Self, ModelError> {
        Ok(Self { alpha: init.constant([1], 0.5), gamma: init.constant([d_model], 1.0) })
    }
}

impl Normalize for DynamicTanh {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        (x * self.alpha.val().unsqueeze()).tanh() * self.gamma.val().unsqueeze()
    }
}

/// `f(x) = x σ(β x)` with a learned β, of which one is SwiGLU's; gated or not.
#[derive(Module, Debug)]
struct Swish {
    beta: Param<Tensor<1>>,
    is_gated: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SwishSettings {
    beta: f64,
    gated: bool,
}

impl Default for SwishSettings {
    fn default() -> Self {
        Self { beta: 1.0, gated: false }
    }
}

impl Swish {
    fn build(settings: &SwishSettings, init: &Init, _: usize) -> Result<Self, ModelError> {
        Ok(Self { beta: init.constant([1], settings.beta), is_gated: settings.gated })
    }
}

impl Activate for Swish {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let half = x.clone() * self.beta.val().unsqueeze() * 0.5;
        x * (half.tanh() + 1.0) * 0.5
    }

    fn is_gated(&self) -> bool {
        self.is_gated
    }
}

/// Leaves out the last hidden unit.
#[derive(Module, Debug)]
struct Narrower {}

impl Activate for Narrower {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [_, _, width] = x.dims();
        x.narrow(2, 0, width - 1)
    }
}

fn catalog() -> Catalog {
    Catalog::default()
        .mask("window", Window::build)
        .norm("dyt", DynamicTanh::build)
        .activation("swish", Swish::build)
}

fn own() -> TransformerConfig {
    TransformerConfig {
        mask: Choice::new("window"),
        norm_kind: Choice::new("dyt"),
        activation: Choice::new("swish").with("beta", 1.5),
        d_mlp: 17,
        ..config()
    }
}

fn build((device, dtype): (&Device, DType), config: &TransformerConfig) -> Transformer {
    config.init_with(&Init::new(device, 1).with_dtype(dtype), &catalog()).unwrap()
}

fn tokens(device: &Device) -> Tensor<3, Int> {
    Tensor::from_data([[[2], [1], [4], [3], [1], [4], [1]], [[3], [2], [2], [3], [2], [2], [3]]], device)
}

#[test]
fn the_gradients_of_all_three_are_those_of_central_differences() {
    let learning = device().autodiff();
    let gated = Choice::new("swish").with("gated", true);
    for config in [
        own(),
        TransformerConfig { norm: NormConfig::Post, ..own() },
        TransformerConfig { activation: gated, ..own() },
    ] {
        check(
            &format!("{config:?}"),
            [&build((&learning, DType::F64), &config), &build((&device(), DType::F64), &config)],
            &Scalars::Sample(2),
            |_| false,
            |model| {
                let device = model.embedding.table.val().device();
                model.forward(tokens(&device), Mode::Evaluate)
            },
        );
    }
}

#[test]
fn their_parameters_stand_where_they_act() {
    let device = device();
    let model = build((&device, DType::F32), &own());
    let own = parameters(&model).into_iter().map(|parameter| parameter.path);
    let own: Vec<String> =
        own.filter(|path| ["alpha", "beta"].iter().any(|name| path.ends_with(name))).collect();
    let of_block = |layer: usize| {
        [".mlp.activation.beta", ".norm_attention.alpha", ".norm_mlp.alpha"]
            .map(|path| format!("blocks.{layer}{path}"))
    };
    let want: Vec<String> =
        [of_block(0), of_block(1)].concat().into_iter().chain(["norm.alpha".to_owned()]).collect();
    assert_eq!(own, want);
    assert!(Model::contributions(&model, tokens(&device)).is_none(), "this norm is not linear in its parts");
}

#[test]
fn a_gated_activation_of_ones_own_is_swiglu_where_it_computes_the_same() {
    for place @ (device, dtype) in places() {
        let mine =
            TransformerConfig { activation: Choice::new("swish").with("gated", true), d_mlp: 17, ..config() };
        let theirs = TransformerConfig { activation: Activation::Swiglu.into(), ..mine.clone() };
        let of = |config: &TransformerConfig| {
            values(&build(place, config).features(tokens(device), Mode::Evaluate))
        };
        assert_close("swiglu", &of(&mine), &of(&theirs), tolerance(dtype, 1e-5, 1e-13));
    }
}

#[test]
fn a_config_names_them_and_they_train() {
    let registry = Registry::new()
        .mask("window", Window::build)
        .norm("dyt", DynamicTanh::build)
        .activation("swish", Swish::build);
    let settings = [
        "model.mask={name=\"window\",before=3}",
        "model.norm_kind=dyt",
        "model.activation=swish",
        "model.d_mlp=19",
        "train.steps=5",
    ];
    let experiment = registry.read(ConfigSource::Task("reverse"), &settings).unwrap();
    let written = &experiment.config.model.settings;
    assert_eq!(written["mask"].to_string(), r#"{"before":3,"name":"window"}"#);
    assert_eq!(written["activation"].to_string(), r#"{"beta":1.0,"gated":false,"name":"swish"}"#);
    trained(&experiment);
}

#[test]
fn the_names_of_the_built_in_ones_are_those_of_configs_so_far() {
    let names: [Choice; 7] = [
        MaskConfig::None.into(),
        MaskConfig::Causal.into(),
        NormKind::Layer.into(),
        NormKind::Rms.into(),
        Activation::Gelu.into(),
        Activation::Relu.into(),
        Activation::Swiglu.into(),
    ];
    let written = names.map(|choice| serde_json::to_string(&choice).unwrap());
    let as_enums = [
        serde_json::to_string(&[MaskConfig::None, MaskConfig::Causal]).unwrap(),
        serde_json::to_string(&[NormKind::Layer, NormKind::Rms]).unwrap(),
        serde_json::to_string(&[Activation::Gelu, Activation::Relu, Activation::Swiglu]).unwrap(),
    ];
    let as_enums: Vec<String> = as_enums
        .iter()
        .flat_map(|list| list.trim_matches(['[', ']']).split(',').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert_eq!(written.to_vec(), as_enums);
}

#[test]
fn unknown_names_wrong_settings_and_taken_names_are_refused() {
    let refused = |catalog: &Catalog, change: &dyn Fn(&mut TransformerConfig)| -> String {
        let mut config = config();
        change(&mut config);
        config.resolve(catalog).err().unwrap().to_string()
    };
    let catalog = catalog();
    assert_eq!(
        refused(&catalog, &|config| config.mask = Choice::new("windows")),
        "unknown mask `windows`; choose one of causal, none, window"
    );
    assert_eq!(
        refused(&catalog, &|config| config.norm_kind = Choice::new("batch")),
        "unknown norm_kind `batch`; choose one of dyt, layer, rms"
    );
    assert_eq!(
        refused(&catalog, &|config| config.activation = Choice::new("swish").with("beta", "one")),
        "activation.beta must be a number, got \"one\"; write activation.beta=1.0"
    );
    assert_eq!(
        refused(&catalog, &|config| config.norm_kind = Choice::new("rms").with("epsilon", 1.0)),
        "norm_kind.epsilon: unknown field `epsilon`, there are no fields (of `rms`)"
    );
    for (kind, name, catalog) in [
        ("mask", "causal", Catalog::default().mask("causal", Window::build)),
        ("norm_kind", "layer", Catalog::default().norm("layer", DynamicTanh::build)),
        ("activation", "gelu", Catalog::default().activation("gelu", Swish::build)),
    ] {
        let message = format!("the {kind} name `{name}` is taken; register yours under another name");
        assert_eq!(catalog.check().err().unwrap().to_string(), message);
        assert_eq!(refused(&catalog, &|_| ()), message);
    }
}

#[test]
fn an_activation_that_changes_the_shape_is_refused() {
    let device = device();
    let mlp = Mlp::new(AnyActivation::new(Narrower {}), &Init::new(&device, 1), 3, 7);
    let error = message(|| mlp.forward(Tensor::ones([2, 5, 3], &device)));
    assert_eq!(error, "an activation must keep the shape [2, 5, 7], got [2, 5, 6]");
}
