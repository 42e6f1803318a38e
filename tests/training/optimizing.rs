//! The parts of an optimizer step: clipping by the global norm, and which parameters decay.

use burn::module::{Module, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};
use qkv_model::{Init, Mode, Training, Transformer, TransformerConfig, parameters};
use qkv_train::{
    AdamW, ConfigSource, Model, ModuleUpdate, OptimizerState, Recipe, Registry, Reverse, Roles, Trainer,
    clip_factor, global_norm,
};

use crate::support::backends::device;
use crate::support::module_gradients::gradients;

fn model() -> Transformer {
    TransformerConfig::new(5, 3, 4).init(&Init::new(&device().autodiff(), 1)).unwrap()
}

fn loss(model: &Transformer) -> Tensor<1> {
    let tokens = Tensor::<3, Int>::from_data([[[0], [1], [2]]], &device().autodiff());
    model.forward(tokens, Mode::Evaluate).powi_scalar(2).sum()
}

#[test]
fn the_norm_is_that_of_all_gradients_together() {
    let model = model();
    let norm = global_norm(&model, &GradientsParams::from_grads(loss(&model).backward(), &model));
    let all = gradients(&model, &loss(&model)).into_iter().flat_map(|gradient| gradient.values.unwrap());
    let expected = all.map(|g| g * g).sum::<f64>().sqrt();
    // Both add up in double precision, in different orders.
    assert!((norm - expected).abs() < 1e-12 * norm, "{norm} instead of {expected}");
}

#[test]
fn only_gradients_above_the_limit_are_clipped() {
    assert_eq!(clip_factor(6.0, 2.0), 1.0 / 3.0);
    assert_eq!(clip_factor(2.0, 2.0), 1.0);
    assert_eq!(clip_factor(1.0, 2.0), 1.0);
    // No limit, and norms that the caller has to see.
    assert_eq!(clip_factor(1e9, 0.0), 1.0);
    assert_eq!(clip_factor(f64::INFINITY, 2.0), 1.0);
    assert_eq!(clip_factor(f64::NAN, 2.0), 1.0);
}

#[test]
fn clipping_scales_all_gradients_alike() {
    let model = model();
    let grads = GradientsParams::from_grads(loss(&model).backward(), &model);
    let w_q = model.blocks[0].self_attention().unwrap().w_q.as_ref().unwrap().id;
    let gradient: Vec<f64> = grads.get::<2>(w_q).unwrap().into_data().iter().collect();
    let clip = 0.25 * global_norm(&model, &grads);
    let (optimizer, mut state) = (AdamW::default(), OptimizerState::default());
    let update = ModuleUpdate { optimizer: &optimizer, learning_rate: 0.1, clip, roles: &Roles::default() };
    update.apply(&mut state, model, grads).unwrap();
    let mean = state.tensors["blocks.0.attention.w_q"].get("m").unwrap().to_data();
    let mean: Vec<f64> = mean.iter().collect();
    let beta_1 = optimizer.beta_1;
    // The first mean is the share 1 - β₁ of the clipped gradient; single precision.
    for (mean, gradient) in mean.iter().zip(gradient) {
        let expected = (1.0 - beta_1) * 0.25 * gradient;
        assert!((mean - expected).abs() <= 1e-6 * expected.abs(), "{mean} instead of {expected}");
    }
}

#[test]
fn decay_pulls_matrices_and_neither_norms_nor_biases_nor_tables() {
    let device = device().autodiff();
    let weights = |decay: &str| {
        let settings = [
            "task.seq_len=5",
            "train.steps=1",
            "schedule.warmup_steps=0",
            "optimizer.lr=0.01",
            "model.positions=learned",
            "model.d_mlp=8",
            "model.bias=true",
            "model.w_o=true",
            decay,
        ];
        let registry = Registry::new();
        let experiment = registry.read(ConfigSource::Task("reverse"), &settings).unwrap();
        let (model, task) = (experiment.model(&device).unwrap(), &*experiment.task);
        let start = parameters(&model);
        assert!(start.iter().any(|parameter| parameter.path == "positions.learned"));
        let trained = Trainer::new(model, task, experiment.config.recipe(), &device).unwrap().run().unwrap();
        (start, parameters(&trained.state.model.valid()))
    };
    let (start, without) = weights("optimizer.weight_decay=0");
    let (_, with) = weights("optimizer.weight_decay=0.5");
    for ((start, without), with) in start.iter().zip(&without).zip(&with) {
        let decays = without.data != with.data;
        let matrix =
            start.shape.len() >= 2 && !["embedding", "positions"].iter().any(|t| start.path.starts_with(t));
        assert_eq!(decays, matrix, "{} decays: {decays}", start.path);
        // w (1 - lr · decay) - update: the difference is lr · decay · w, up to rounding.
        for ((start, without), with) in
            start.data.iter::<f64>().zip(without.data.iter::<f64>()).zip(with.data.iter::<f64>())
        {
            let pulled = if matrix { 0.01 * 0.5 * start } else { 0.0 };
            assert!((without - with - pulled).abs() < 1e-6, "{without} - {with} is not {pulled}");
        }
    }
}

#[test]
fn muon_updates_the_matrices_between_features_and_adam_w_the_rest() {
    let device = device().autodiff();
    let settings = [
        "task.seq_len=5",
        "train.steps=1",
        "train.eval_examples=8",
        "optimizer=muon",
        "model.positions=learned",
        "model.d_mlp=8",
        "model.bias=true",
        "model.w_o=true",
    ];
    let experiment = Registry::new().read(ConfigSource::Task("reverse"), &settings).unwrap();
    let model = experiment.model(&device).unwrap();
    let trainer = Trainer::with_parts(model, &*experiment.task, experiment.parts, &device).unwrap();
    let state = trainer.run().unwrap().state.optimizer.tensors;
    let of_muon = state.iter().filter(|(_, tensors)| tensors.get("momentum").is_some());
    let paths: Vec<&str> = of_muon.map(|(path, _)| path.as_str()).collect();
    let expected =
        ["attention.w_k", "attention.w_o", "attention.w_q", "attention.w_v", "mlp.w_in", "mlp.w_out"];
    assert_eq!(paths, expected.map(|name| format!("blocks.0.{name}")));
    for path in ["embedding.table", "positions.learned", "unembedding", "norm.gamma", "blocks.0.mlp.b_in"] {
        let names: Vec<&str> = state[path].iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["m", "v"], "{path}");
    }
}

/// A user's layer with a table of its own, and a map in a module that is called `embedding`.
#[derive(Module, Debug)]
struct Named {
    table: Param<Tensor<2>>,
    embedding: Inner,
}

#[derive(Module, Debug)]
struct Inner {
    map: Param<Tensor<2>>,
}

impl Model for Named {
    fn features(&self, tokens: Tensor<3, Int>, _mode: Mode) -> Tensor<3> {
        let [batch, seq_len, _] = tokens.dims();
        let one_hot = tokens.reshape([batch, seq_len]).one_hot::<3>(3).float();
        one_hot.matmul(self.table.val().unsqueeze())
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        features.matmul(self.embedding.map.val())
    }

    fn tables(&self) -> Vec<ParamId> {
        vec![self.table.id]
    }
}

#[test]
fn a_models_own_tables_do_not_decay_and_a_name_decides_nothing() {
    let device = Device::flex().autodiff();
    let task = Reverse { seq_len: 4, n_symbols: 3 };
    let init = Init::new(&device, 0);
    let model = Named {
        table: init.normal("table", [3, 5], 1.0, Training::Learned),
        embedding: Inner { map: init.normal("map", [5, 3], 1.0, Training::Learned) },
    };
    let weights = |weight_decay| {
        let mut recipe = Recipe::default();
        recipe.optimizer.rule = recipe.optimizer.rule.with("weight_decay", weight_decay);
        recipe.train.steps = 1;
        let trained = Trainer::new(model.clone(), &task, recipe, &device).unwrap().run().unwrap();
        parameters(&trained.state.model)
    };
    let (without, with) = (weights(0.0), weights(0.5));
    let decays: Vec<(&str, bool)> =
        without.iter().zip(&with).map(|(a, b)| (a.path.as_str(), a.data != b.data)).collect();
    assert_eq!(decays, [("table", false), ("embedding.map", true)]);
}
