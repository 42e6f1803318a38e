//! Every variant by its settings, as a user asks for it.

use std::sync::Arc;

use burn::tensor::Device;
use qkv_train::{AnyModel, Config, ConfigSource, Registry, Task};

/// What a variant is called, and the settings that choose it.
pub type Variant = (&'static str, &'static [&'static str]);

/// Each alone, and many at once.
pub const VARIANTS: [Variant; 23] = [
    ("plain", &[]),
    ("dot", &["model.score=dot"]),
    ("additive", &["model.score=additive", "model.score.d_hidden=5"]),
    ("rope", &["model.positions=rope"]),
    ("alibi", &["model.positions=alibi", "model.mask=causal", "model.n_layers=2"]),
    ("learned-positions", &["model.positions=learned"]),
    ("multi-query", &["model.n_kv_heads=1"]),
    ("grouped", &["model.n_kv_heads=2"]),
    ("qk-norm", &["model.qk_norm=true"]),
    ("softcap", &["model.softcap=5"]),
    ("quiet", &["model.softmax=quiet"]),
    ("rms", &["model.norm_kind=rms"]),
    ("post-rms", &["model.norm=post", "model.norm_kind=rms"]),
    ("gelu", &["model.d_mlp=19"]),
    ("relu", &["model.d_mlp=19", "model.activation=relu"]),
    ("swiglu", &["model.d_mlp=19", "model.activation=swiglu"]),
    ("tied-and-biased", &["model.tied=true", "model.bias=true", "model.w_o=true"]),
    ("frozen", &["model.projections=frozen"]),
    ("frozen-with-dropout", &["model.projections=frozen", "model.dropout=0.2"]),
    ("frozen-keys-without-w_q", &["model.projections.w_q=none", "model.projections.w_k=frozen"]),
    (
        "frozen-queries-without-w_v",
        &["model.projections={ w_q = \"frozen\", w_v = \"none\" }", "model.bias=true", "model.n_layers=2"],
    ),
    ("dropout", &["model.dropout=0.2", "model.d_mlp=19"]),
    (
        "everything",
        &[
            "model.n_layers=2",
            "model.positions=rope",
            "model.positions.base=30",
            "model.n_kv_heads=2",
            "model.qk_norm=true",
            "model.softcap=5",
            "model.softmax=quiet",
            "model.norm_kind=rms",
            "model.d_mlp=19",
            "model.activation=swiglu",
            "model.w_o=true",
            "model.bias=true",
            "model.dropout=0.1",
        ],
    ),
];

/// A short run on sequences to be reversed, of a small model with four heads.
const SHORT: [&str; 11] = [
    "task.seq_len=7",
    "task.n_symbols=5",
    "model.d_model=16",
    "model.n_heads=4",
    "train.steps=8",
    "train.batch_size=32",
    "train.eval_every=8",
    "train.eval_examples=64",
    "train.checkpoint_every=3",
    "schedule.warmup_steps=0",
    "optimizer.lr=0.01",
];

/// The short run with a variant's settings on top.
pub fn short_run(registry: &Registry, settings: &[&str]) -> Config {
    registry.read(ConfigSource::Task("reverse"), &[&SHORT, settings].concat()).unwrap().config
}

/// A variant with all that a test may need of it.
pub struct Named {
    pub name: &'static str,
    pub config: Config,
    pub task: Arc<dyn Task>,
    pub model: AnyModel,
}

/// The short run of every variant.
pub fn variants(seed: u64, device: &Device) -> impl Iterator<Item = Named> {
    let registry = Registry::new();
    VARIANTS.into_iter().map(move |(name, settings)| {
        let config = short_run(&registry, settings);
        let (task, model) = model(&registry, &config, seed, device);
        Named { name, config, task, model }
    })
}

/// The task of a config, and the model of it that starts from `seed`.
pub fn model(registry: &Registry, config: &Config, seed: u64, device: &Device) -> (Arc<dyn Task>, AnyModel) {
    let experiment = registry.reader().resolve(Config { seed, ..config.clone() }).unwrap();
    let model = experiment.model(device).unwrap();
    (experiment.task, model)
}
