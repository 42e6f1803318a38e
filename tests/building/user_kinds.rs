//! A user's position scheme and a user's model: registered, they take the same way as the built-in ones.

use burn::module::{Module, Param};
use burn::tensor::{DType, Int, Tensor, einsum};
use qkv_model::{
    AnyPositions, Catalog, Choice, Embedding, EmbeddingsConfig, HeadShape, Init, Mask, Mode, ModelError,
    NoSettings, Place, Positions, SelfAttentionConfig, Training, Transformer, TransformerConfig, parameters,
};
use qkv_train::{
    Ablation, ConfigSource, Examples, Experiment, Model, ModelConfig, Query, Registry, Split, Task,
    TrainError, attribute,
};
use serde::{Deserialize, Serialize};

use crate::building::trained;
use crate::support::backends::device;
use crate::support::layers::{heads, input, scaled_dot};
use crate::support::module_gradients::gradients;

/// One learned number a head, times the distance with its sign; acts in the layers alone.
#[derive(Module, Debug)]
struct LearnedSlope {
    slope: Param<Tensor<1>>,
}

impl LearnedSlope {
    fn build(_: &NoSettings, init: &Init, place: Place) -> Result<Option<Self>, ModelError> {
        let Place::Attention(HeadShape { n_heads, .. }) = place else { return Ok(None) };
        Ok(Some(Self { slope: init.normal("slope", [n_heads], 1.0, Training::Learned) }))
    }
}

impl Positions for LearnedSlope {
    fn bias(&self, q_len: usize, k_len: usize) -> Option<Tensor<4>> {
        let slope = self.slope.val();
        let (q_len, k_len) = (q_len as i64, k_len as i64);
        let at = |positions| Tensor::<1, Int>::arange(positions, &slope.device()).float();
        let distance = at(0..k_len).unsqueeze_dim::<2>(0) - at(k_len - q_len..k_len).unsqueeze_dim::<2>(1);
        Some(slope.reshape([1, -1, 1, 1]) * distance.unsqueeze())
    }
}

/// Mixes positions by the same matrix for every input.
#[derive(Module, Debug)]
struct FixedMap {
    embedding: Embedding,
    map: Param<Tensor<2>>,
    unembedding: Param<Tensor<2>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FixedMapConfig {
    width: usize,
}

impl Default for FixedMapConfig {
    fn default() -> Self {
        Self { width: 16 }
    }
}

impl ModelConfig for FixedMapConfig {
    type Model = FixedMap;

    fn build(&self, task: &dyn Task, init: &Init, _: &Catalog) -> Result<FixedMap, TrainError> {
        let (vocab_size, seq_len) = (task.vocabulary().len(), task.seq_len());
        Ok(FixedMap {
            embedding: EmbeddingsConfig::Learned.init(&init.enter("embedding"), vocab_size, self.width),
            map: init.normal("map", [seq_len, seq_len], 0.1, Training::Learned),
            unembedding: init.uniform("unembedding", [self.width, vocab_size], 0.2, Training::Learned),
        })
    }
}

impl Model for FixedMap {
    fn features(&self, tokens: Tensor<3, Int>, _: Mode) -> Tensor<3> {
        einsum!("qk,bkd->bqd", self.map.val(), self.embedding.forward(tokens))
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        features.matmul(self.unembedding.val())
    }
}

#[test]
fn a_position_scheme_learns_in_every_layer_under_its_own_path() {
    let catalog = Catalog::default().positions("learned-slope", LearnedSlope::build);
    let device = device().autodiff();
    let config = SelfAttentionConfig { positions: Choice::new("learned-slope"), ..heads(&scaled_dot()) };
    let layer = config.init_with(&Init::new(&device, 1), &catalog).unwrap();
    let positions: &AnyPositions = layer.positions.as_ref().unwrap();
    assert!(positions.downcast_ref::<LearnedSlope>().is_some());
    let context = layer.forward(input((&device, DType::F32)), &Mask::none(), Mode::Evaluate);
    let all = gradients(&layer, &context.powi_scalar(2).sum());
    let slope = all.iter().find(|gradient| gradient.path == "positions.slope").unwrap();
    assert!(slope.values.as_ref().unwrap().iter().all(|&value| value != 0.0));
}

const SHORT: [&str; 6] = [
    "task.seq_len=7",
    "train.steps=8",
    "train.batch_size=32",
    "train.eval_every=8",
    "train.eval_examples=64",
    "schedule.warmup_steps=0",
];

fn read(registry: &Registry, settings: &[&str]) -> Result<Experiment, TrainError> {
    registry.read(ConfigSource::Task("reverse"), &[&SHORT, settings].concat())
}

#[test]
fn a_registered_position_scheme_trains_in_a_transformer() {
    let registry = Registry::new().positions("learned-slope", LearnedSlope::build);
    let experiment = read(&registry, &["model.positions=learned-slope", "model.n_layers=2"]).unwrap();
    let model = trained(&experiment);
    assert!(model.downcast_ref::<Transformer>().unwrap().positions.is_none(), "it does nothing at the input");
    let paths = parameters(&model).into_iter().map(|parameter| parameter.path);
    let paths: Vec<String> = paths.filter(|path| path.ends_with("positions.slope")).collect();
    assert_eq!(paths, [0, 1].map(|layer| format!("blocks.{layer}.attention.positions.slope")));
}

#[test]
fn a_registered_model_trains_saves_loads_and_has_no_attention_to_show() {
    let registry = Registry::new().model::<FixedMapConfig>("fixed-map");
    let device = device().autodiff();
    let experiment = read(&registry, &["model.name=fixed-map", "model.width=13"]).unwrap();
    assert_eq!(experiment.config.model, Choice::new("fixed-map").with("width", 13));
    let model = trained(&experiment);
    assert_eq!(model.downcast_ref::<FixedMap>().unwrap().unembedding.dims(), [13, 10]);
    assert!(model.downcast_ref::<Transformer>().is_none());
    let tokens = Tensor::<3, Int>::zeros([2, 7, 1], &device);
    assert!(model.attention_weights(tokens).is_empty() && model.layers().is_empty());
    let place = Query { layer: 0, head: 0, position: 0 };
    assert!(model.trace(Tensor::zeros([7, 1], &device), place).is_none());
    let examples = Examples { task: &*experiment.task, seed: 0, split: Split::Test };
    let refused = [
        Ablation::new(&model, examples, 1, &device).err().unwrap(),
        attribute(&model, examples, 1, &device).err().unwrap(),
    ];
    let sentences =
        [("features_with", "changed inside"), ("contributions", "taken apart")].map(|(method, done)| {
            format!(
                "a model of this type cannot be {done}: it lacks `Model::{method}`; write it, or use a `Transformer`"
            )
        });
    assert_eq!(refused.map(|error| error.to_string()), sentences);
}

/// A transformer under a name of the user's own.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct MineConfig(TransformerConfig);

impl ModelConfig for MineConfig {
    type Model = Transformer;

    fn fit(self, task: &dyn Task, batch_size: usize, catalog: &Catalog) -> Result<Self, TrainError> {
        Ok(Self(self.0.fit(task, batch_size, catalog)?))
    }

    fn build(&self, task: &dyn Task, init: &Init, catalog: &Catalog) -> Result<Transformer, TrainError> {
        self.0.build(task, init, catalog)
    }
}

/// What the defaults of `recall` set that no model of a user's own has.
const LEFT_OUT: [&str; 3] =
    ["model.d_model = 64", r#"model.embeddings = "fixed""#, r#"model.positions = "none""#];

#[test]
fn a_model_of_ones_own_has_the_settings_of_the_task_that_it_can_have_and_lacks_the_others_by_name() {
    let registry = Registry::new().model::<FixedMapConfig>("fixed-map").model::<MineConfig>("mine");
    let read = |settings: &[&str]| registry.read(ConfigSource::Task("recall"), settings).unwrap();
    let [built_in, mine] = [read(&[]), read(&["model=mine"])];
    assert_eq!(mine.config.model.settings, built_in.config.model.settings);
    assert_eq!((&*mine.config.model.name, mine.left_out.len()), ("mine", 0));
    // What a transformer has by itself is no wish of the task.
    let fixed = read(&["model=fixed-map"]);
    assert_eq!(fixed.config.model, Choice::new("fixed-map").with("width", 16));
    assert_eq!(fixed.left_out[0].settings, LEFT_OUT);
    // What the user sets is refused instead.
    let text = "task = \"recall\"\nmodel = { name = \"fixed-map\", embeddings = \"fixed\" }";
    let refused = registry.read(ConfigSource::Toml(text), &[] as &[&str]).err().unwrap().to_string();
    assert!(refused.starts_with("unknown key `model.embeddings`"), "{refused}");
    // A setting of the same name and of another kind is not the same.
    let registry = Registry::new().model::<OtherKindConfig>("other-kind");
    let other = registry.read(ConfigSource::Task("recall"), &["model=other-kind"]).unwrap();
    assert_eq!(other.config.model, Choice::new("other-kind").with("positions", 3));
    assert_eq!(other.left_out[0].settings, LEFT_OUT);
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OtherKindConfig {
    positions: usize,
}

impl Default for OtherKindConfig {
    fn default() -> Self {
        Self { positions: 3 }
    }
}

impl ModelConfig for OtherKindConfig {
    type Model = FixedMap;

    fn build(&self, task: &dyn Task, init: &Init, catalog: &Catalog) -> Result<FixedMap, TrainError> {
        FixedMapConfig { width: self.positions }.build(task, init, catalog)
    }
}

#[test]
fn a_registered_models_settings_are_checked() {
    let registry = Registry::new().model::<FixedMapConfig>("fixed-map");
    let refused = |settings: &[&str]| read(&registry, settings).err().unwrap().to_string();
    assert_eq!(
        refused(&["model.name=fixed-map", "model.widht=13"]),
        "unknown key `model.widht`; did you mean `model.width`?"
    );
    assert_eq!(
        refused(&["model.name=fixed-map", "model.width=wide"]),
        "model.width must be a whole number of at least 0, got \"wide\"; write model.width=16"
    );
    assert_eq!(
        refused(&["model.name=fixd-map"]),
        "unknown model `fixd-map`; choose one of encoder-decoder, fixed-map, transformer"
    );
}
