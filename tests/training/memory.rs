//! The sizes behind the estimate of memory.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use qkv_model::{
    Catalog, Comparison, HeadShape, Implementation, Init, Mode, NoPositions, NoSettings, Parameter, Place,
    ScaledDot, Score, Training, TransformerConfig, parameters,
};
use qkv_train::{ConfigSource, Model, ModelConfig, Passes, Registry, Reverse, Task, TrainError};
use serde::{Deserialize, Serialize};

use crate::support::named_variants::{Named, variants};

const TASK: Reverse = Reverse { seq_len: 64, n_symbols: 3 };

const PASSES: Passes = Passes { n_in_step: 32, n_in_evaluation: 256, n_targets: 7, shows_maps: false };

#[test]
fn every_matrix_of_every_variant_counts() {
    for Named { name, config, model, .. } in variants(0, &Device::flex().autodiff()) {
        let config: TransformerConfig = config.model.read("model").unwrap();
        let sizes = ModelConfig::sizes(&config, &PASSES).unwrap();
        let n_parameters = model.num_params() as f64;
        // Vectors and the matrices of scores are left out: up to a third of models of this size.
        assert!(sizes.parameters <= n_parameters, "{name}: {sizes:?} of {n_parameters}");
        assert!(sizes.parameters >= 0.6 * n_parameters, "{name}: {sizes:?} of {n_parameters}");
        assert_eq!(sizes.learned < sizes.parameters, name.starts_with("frozen"), "{name}");
        let is_map = |parameter: &&Parameter| {
            let is_apart =
                ["embedding", "positions", "unembedding"].iter().any(|at| parameter.path.starts_with(at));
            parameter.learned && parameter.shape.len() == 2 && !is_apart && !parameter.path.contains("score")
        };
        let maps = parameters(&model).iter().filter(is_map).map(|map| map.data.num_elements()).sum::<usize>();
        assert_eq!(sizes.learned_maps, maps as f64, "{name}");
    }
}

#[test]
fn a_loss_of_attention_weights_needs_the_memory_of_the_reference_implementation() {
    let fused = TransformerConfig { n_heads: 2, ..TransformerConfig::new(3, 64, 16) };
    let sizes = |config: &TransformerConfig, passes: &Passes| {
        let config = ModelConfig::fit(config.clone(), &TASK, 32, &Catalog::default()).unwrap();
        ModelConfig::sizes(&config, passes).unwrap()
    };
    let shown = Passes { shows_maps: true, ..PASSES };
    let reference = TransformerConfig { attention: Implementation::Reference, ..fused.clone() };
    assert_eq!(sizes(&fused, &shown), sizes(&reference, &PASSES));
    assert_ne!(sizes(&fused, &PASSES), sizes(&reference, &PASSES));
}

#[test]
fn the_state_of_an_optimizer_counts_as_often_as_it_remembers_a_value() {
    let state = |optimizer: &str| {
        let name = format!("optimizer={optimizer}");
        let settings =
            ["model.d_model=512", "model.d_mlp=1024", "model.w_o=true", "task.n_symbols=2047", &name];
        let experiment = Registry::new().read(ConfigSource::Task("reverse"), &settings).unwrap();
        let model = experiment.model(&Device::flex().autodiff()).unwrap();
        let estimates = [experiment.memory().unwrap(), experiment.memory_of(&model)];
        estimates.map(|estimate| {
            let line = estimate
                .to_string()
                .lines()
                .find(|line| line.contains("optimizer state"))
                .unwrap()
                .to_owned();
            line.split_whitespace().nth(2).unwrap().parse::<f64>().unwrap()
        })
    };
    // 4 projections of 1 MiB and an MLP of 4 MiB are maps; embedding and unembedding have 4 MiB each.
    let expected = [("adam-w", 32.0), ("adam", 32.0), ("lion", 16.0), ("sgd", 16.0), ("muon", 24.0)];
    for (name, expected) in expected {
        let [before, with_vectors] = state(name);
        assert_eq!(before, expected, "{name}");
        assert!((before..before + 0.1).contains(&with_vectors), "{name}: {with_vectors}");
    }
    let sgd = Registry::new().read(ConfigSource::Task("reverse"), &["optimizer=sgd", "optimizer.momentum=0"]);
    assert!(sgd.unwrap().memory().unwrap().to_string().contains("optimizer state                0.0 MiB"));
}

/// A user's model, whose activations nothing gives.
#[derive(Module, Debug)]
struct Lookup {
    table: Param<Tensor<2>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LookupConfig {}

impl ModelConfig for LookupConfig {
    type Model = Lookup;

    fn build(&self, task: &dyn Task, init: &Init, _: &Catalog) -> Result<Lookup, TrainError> {
        let n = task.vocabulary().len();
        Ok(Lookup { table: init.normal("table", [n, n], 1.0, Training::Learned) })
    }
}

impl Model for Lookup {
    fn features(&self, tokens: Tensor<3, Int>, _mode: Mode) -> Tensor<3> {
        let [batch, seq_len, _] = tokens.dims();
        let [n, _] = self.table.dims();
        tokens.reshape([batch, seq_len]).one_hot::<3>(n).float().matmul(self.table.val().unsqueeze())
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        features
    }
}

#[test]
fn what_a_users_score_and_positions_compute_is_named_as_unknown() {
    let registry = Registry::new()
        .score("own", |_: &NoSettings, _: &Init, _: HeadShape| Ok(ScaledDot::default()))
        .positions("own", |_: &NoSettings, _: &Init, _: Place| Ok(None::<NoPositions>));
    let estimate =
        |settings: &[&str]| registry.read(ConfigSource::Task("reverse"), settings).unwrap().memory().unwrap();
    assert!(estimate(&["model.score=additive", "model.positions=alibi"]).is_whole());
    let both = estimate(&["model.score=own", "model.positions=own"]);
    assert!(!both.is_whole());
    let named = "not known: what the score `own` computes, and what the positions `own` compute)";
    assert!(both.to_string().ends_with(named), "{both}");
    let reference = estimate(&["model.score=own", "model.attention=reference"]);
    assert!(
        reference.to_string().ends_with("what the score `own` computes besides its maps)"),
        "{reference}"
    );
    assert!(!estimate(&["model.positions=own"]).to_string().contains("score"));
}

/// Scaled dot products of queries at another temperature.
#[derive(Module, Debug)]
struct Prepared {}

impl Score for Prepared {
    fn comparison(&self) -> Comparison {
        Comparison::PreparedDot
    }

    fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        [q.mul_scalar(2.0), k]
    }
}

/// The same as the kernels cannot compute it.
#[derive(Module, Debug)]
struct Plain {}

impl Score for Plain {}

#[test]
fn the_maps_of_a_users_score_count_where_the_kernels_do_not_compute_it() {
    let registry = Registry::new()
        .score("prepared", |_: &NoSettings, _: &Init, _: HeadShape| Ok(Prepared {}))
        .score("plain", |_: &NoSettings, _: &Init, _: HeadShape| Ok(Plain {}));
    let estimates = |settings: &[&str]| {
        let settings = [&["task.seq_len=512", "train.batch_size=64", "model.n_heads=4"], settings].concat();
        let experiment = registry.read(ConfigSource::Task("reverse"), &settings).unwrap();
        let model = experiment.model(&Device::flex().autodiff()).unwrap();
        [experiment.memory().unwrap(), experiment.memory_of(&model)].map(|estimate| estimate.bytes() as f64)
    };
    let [scaled_dot, copied, reference] = [
        estimates(&["model.score=scaled-dot"]),
        estimates(&["model.score=scaled-dot", "model.qk_norm=true"]),
        estimates(&["model.score=scaled-dot", "model.attention=reference"]),
    ];
    // What is prepared are copies of queries and keys, as under QK-norm.
    assert_eq!(estimates(&["model.score=prepared"])[0], copied[0]);
    assert!((scaled_dot[1]..1.5 * scaled_dot[1]).contains(&estimates(&["model.score=prepared"])[1]));
    // Before the model is built, it is not known that the kernels cannot compute it.
    assert_eq!(estimates(&["model.score=plain"]), [copied[0], reference[1]]);
    assert!(reference[1] > 3.0 * scaled_dot[1]);
    assert_eq!(estimates(&["model.score=prepared", "model.softcap=30"])[0], reference[0]);
}

#[test]
fn a_users_model_counts_with_its_parameters_alone() {
    let registry = Registry::new().model::<LookupConfig>("lookup");
    let settings = ["task.n_symbols=1000", "model=lookup"];
    let experiment = registry.read(ConfigSource::Task("reverse"), &settings).unwrap();
    assert_eq!(experiment.memory(), None);
    let estimate = experiment.memory_of(&experiment.model(&Device::flex().autodiff()).unwrap());
    assert!(!estimate.is_whole());
    let table = estimate.to_string();
    // A million numbers of four bytes.
    assert!(table.contains("parameters                     3.8 MiB"), "{table}");
    assert!(table.contains("what is not known: the activations of a model of this type"), "{table}");
}
