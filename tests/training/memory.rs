//! The sizes behind the estimate of memory.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use qkv_model::{
    Catalog, HeadShape, Init, Mode, NoPositions, NoSettings, Place, ScaledDot, Training, TransformerConfig,
};
use qkv_train::{ConfigSource, Model, ModelConfig, Passes, Registry, Task, TrainError};
use serde::{Deserialize, Serialize};

use crate::support::named_variants::{Named, variants};

const PASSES: Passes = Passes { n_in_step: 32, n_in_evaluation: 256, n_targets: 7 };

#[test]
fn every_matrix_of_every_variant_counts() {
    for Named { name, config, model, .. } in variants(0, &Device::flex()) {
        let config: TransformerConfig = config.model.read("model").unwrap();
        let sizes = ModelConfig::sizes(&config, &PASSES).unwrap();
        let n_parameters = model.num_params() as f64;
        // Vectors and the matrices of scores are left out: up to a third of models of this size.
        assert!(sizes.parameters <= n_parameters, "{name}: {sizes:?} of {n_parameters}");
        assert!(sizes.parameters >= 0.6 * n_parameters, "{name}: {sizes:?} of {n_parameters}");
        assert_eq!(sizes.learned < sizes.parameters, name.starts_with("frozen"), "{name}");
    }
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
    let named =
        "not known: what the score `own` computes besides its maps, and what the positions `own` compute)";
    assert!(both.to_string().ends_with(named), "{both}");
    assert!(!estimate(&["model.positions=own"]).to_string().contains("score"));
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
