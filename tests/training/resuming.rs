//! A run that goes on from a checkpoint is the run that was never interrupted, bit for bit.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, einsum};
use qkv_model::{HeadShape, Init, ModelError, NoSettings, Score, Training};
use qkv_run::{Existing, RunFolder};
use qkv_train::{
    AdamW, AnyModel, Checkpoints, Ended, Gradient, Next, Observer, Optimizer, ParameterInfo, Registry, State,
    StateTensor, StateTensors, StepReport, TrainError, Trainer, Update, Updated, load_checkpoint,
};
use serde::{Deserialize, Serialize};
use tempfile::tempdir;

use crate::support::backends::device;
use crate::support::layers::all_projections;
use crate::support::named_variants::{VARIANTS, model, short_run};
use crate::support::parameters;

/// A user's score: `q A_h k` with a matrix for each head.
#[derive(Module, Debug)]
struct Bilinear {
    a: Param<Tensor<3>>,
}

impl Bilinear {
    fn build(_: &NoSettings, init: &Init, heads: HeadShape) -> Result<Self, ModelError> {
        let HeadShape { n_heads, d_k } = heads;
        Ok(Self { a: init.normal("a", [n_heads, d_k, d_k], 0.3, Training::Learned) })
    }
}

impl Score for Bilinear {
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        einsum!("bhqd,bhkd->bhqk", einsum!("bhqd,hde->bhqe", q, self.a.val()), k)
    }
}

/// For AdamW: with weight decay, and clipped.
const DECAYING: [&str; 2] = ["optimizer.weight_decay=0.1", "optimizer.clip=0.5"];

/// Losses and learning rates of the steps.
#[derive(Default)]
struct Reports(Vec<(u64, f64, f64, f64)>);

impl<M> Observer<M> for Reports {
    fn step(&mut self, _state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        self.0.push((report.step, report.loss, report.lr, report.grad_norm));
        Ok(Next::Continue)
    }
}

#[track_caller]
fn assert_same(name: &str, [one, other]: [&State<AnyModel>; 2]) {
    assert_eq!((one.step, one.optimizer.step), (other.step, other.optimizer.step), "{name}");
    parameters::assert_same(name, &one.model, &other.model);
    let paths = |state: &State<AnyModel>| state.optimizer.tensors.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(one), paths(other), "{name}");
    for (path, tensors) in &one.optimizer.tensors {
        let data = |tensors: &StateTensors| -> Vec<_> {
            tensors.iter().map(|(name, tensor)| (name, tensor.to_data())).collect()
        };
        assert_eq!(data(tensors), data(&other.optimizer.tensors[path]), "{name}: the state of {path}");
    }
}

#[track_caller]
fn check(registry: &Registry, name: &str, settings: &[&str], device: &Device) {
    let folder = tempdir().unwrap();
    let config = short_run(registry, settings);
    let run = RunFolder::create(&folder.path().join("run"), &config.to_toml(), Existing::Keep).unwrap();
    let (task, start) = model(registry, &config, 0, device);
    let parts = registry.reader().resolve(config.clone()).unwrap().parts;
    let optimizer = &*parts.optimizer;
    let (mut checkpoints, mut reports) = (Checkpoints::new(&run, &config, &*task), Reports::default());
    let trainer = Trainer::with_parts(start, &*task, parts.clone(), device).unwrap();
    let whole = trainer.observe(&mut checkpoints).observe(&mut reports).run().unwrap();
    let steps: Vec<u64> = run.checkpoints().unwrap().iter().map(|checkpoint| checkpoint.step).collect();
    assert_eq!((whole.ended, steps), (Ended::Finished, vec![0, 3, 6, 8]));
    for step in [0, 3, 6] {
        // Other initial weights, so that what is not loaded shows.
        let (_, fresh) = model(registry, &config, 1, device);
        let state = load_checkpoint(&run.checkpoint(step), fresh, optimizer, device).unwrap();
        assert_eq!(state.optimizer.tensors.is_empty(), step == 0);
        let (_, other) = model(registry, &config, 2, device);
        let mut again = Reports::default();
        let trainer = Trainer::with_parts(other, &*task, parts.clone(), device).unwrap();
        let resumed = trainer.resume(state).observe(&mut again).run().unwrap();
        assert_same(name, [&whole.state, &resumed.state]);
        assert_eq!(again.0, reports.0[step as usize..], "{name} from step {step}");
    }
    // The last checkpoint is the end.
    let (_, fresh) = model(registry, &config, 1, device);
    let last = load_checkpoint(&run.checkpoint(8), fresh, optimizer, device).unwrap();
    assert_same(name, [&whole.state, &last]);
}

#[test]
fn a_resumed_run_of_any_variant_is_the_uninterrupted_one() {
    let registry = Registry::new();
    for (name, settings) in VARIANTS {
        let settings = [&DECAYING[..], settings].concat();
        check(&registry, name, &settings, &device().autodiff());
    }
}

#[test]
fn so_is_one_of_every_combination_of_learned_frozen_and_absent_matrices() {
    let registry = Registry::new();
    for projections in all_projections() {
        let setting = format!("model.projections={}", serde_json::to_value(projections).unwrap());
        // JSON has colons where TOML has equals signs.
        let setting = setting.replace(':', "=");
        check(&registry, &setting, &[&DECAYING[..], &[&*setting]].concat(), &device().autodiff());
    }
}

/// A user's optimizer: steps of one length each, against a running mean, which also counts its updates.
#[derive(Debug)]
struct SignOfMean {
    memory: f64,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SignOfMeanSettings {
    memory: f64,
}

impl Optimizer for SignOfMean {
    fn state(&self, parameter: &ParameterInfo) -> Vec<StateTensor> {
        vec![StateTensor { name: "mean", n: parameter.n() }, StateTensor { name: "n_updates", n: 1 }]
    }

    fn update(
        &self,
        update: &Update<'_>,
        weights: Tensor<1>,
        gradient: Gradient,
        state: &mut StateTensors,
    ) -> Updated {
        let gradient = gradient.clipped().mul_scalar(1.0 - self.memory);
        let mean = state.take("mean").mul_scalar(self.memory) + gradient;
        let n_updates = state.take("n_updates").add_scalar(1.0);
        let length = n_updates.clone().sqrt().recip().mul_scalar(update.learning_rate);
        state.put("mean", mean.clone());
        state.put("n_updates", n_updates);
        Updated::from(weights - mean.sign() * length)
    }
}

#[test]
fn a_resumed_run_with_any_optimizer_is_the_uninterrupted_one() {
    let registry = Registry::new()
        .optimizer("sign-of-mean", |s: &SignOfMeanSettings| Ok(SignOfMean { memory: s.memory }));
    let device = device().autodiff();
    let cases: [&[&str]; 7] = [
        &["optimizer=adam", "optimizer.weight_decay=0.1"],
        &["optimizer=lion", "optimizer.weight_decay=0.1"],
        &["optimizer=muon"],
        &["optimizer=muon", "optimizer.adjust_lr=original", "optimizer.nesterov=false"],
        &["optimizer=sgd", "optimizer.nesterov=true", "optimizer.weight_decay=0.1"],
        &["optimizer=sgd", "optimizer.momentum=0"],
        &["optimizer=sign-of-mean", "optimizer.memory=0.9"],
    ];
    let model = ["model.d_mlp=19", "model.w_o=true", "model.bias=true", "optimizer.clip=0.5"];
    for settings in cases {
        check(&registry, &settings.join(" "), &[settings, &model].concat(), &device);
    }
}

#[test]
fn a_resumed_run_with_a_users_score_is_the_uninterrupted_one() {
    let registry = Registry::new().score("bilinear", Bilinear::build);
    let device = device().autodiff();
    let settings = [&DECAYING[..], &["model.score=bilinear", "model.dropout=0.1"]].concat();
    check(&registry, "bilinear", &settings, &device);
    let config = short_run(&registry, &["model.score=bilinear"]);
    let (_, model) = model(&registry, &config, 0, &device);
    let paths = parameters::paths(&model);
    assert!(paths.contains(&"blocks.0.attention.score.a".to_owned()), "{paths:?}");
}

#[test]
fn a_checkpoint_of_another_model_is_refused_with_the_reason() {
    let registry = Registry::new();
    let device = device().autodiff();
    let folder = tempdir().unwrap();
    let config = short_run(&registry, &["train.steps=1"]);
    let run = RunFolder::create(&folder.path().join("run"), &config.to_toml(), Existing::Keep).unwrap();
    let (task, start) = model(&registry, &config, 0, &device);
    let mut checkpoints = Checkpoints::new(&run, &config, &*task);
    let trainer = Trainer::new(start, &*task, config.recipe(), &device).unwrap();
    trainer.observe(&mut checkpoints).run().unwrap();
    let refused = |settings: &[&str]| {
        let (_, other) = model(&registry, &short_run(&registry, settings), 0, &device);
        load_checkpoint(&run.checkpoint(1), other, &AdamW::default(), &device).err().unwrap().to_string()
    };
    let normed = refused(&["model.qk_norm=true"]);
    assert!(normed.contains("it lacks `blocks.0.attention.qk_norm.gamma_"), "{normed}");
    let shared = refused(&["model.n_kv_heads=1"]);
    assert!(shared.contains("`blocks.0.attention.w_k` must have shape [16, 4], got [16, 16]"), "{shared}");
    // The same weights, of which fewer are learned: the optimizer remembers too much.
    let frozen = refused(&["model.projections=frozen"]);
    assert!(frozen.contains("optimizer.safetensors does not fit the model"), "{frozen}");
}
