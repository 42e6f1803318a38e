//! NaN or infinity anywhere in a training is caught in the step in which it appears, and named.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};
use qkv_model::{Init, Mode, ModulePath, Training, parameters};
use qkv_train::{
    AnyModel, Batch, ConfigSource, Evaluation, Examples, Experiment, Model, Next, Observer, Quantity, Recipe,
    Registry, Reverse, Split, State, StepReport, TrainError, Trainer,
};

use crate::support::backends::device;

const BAD: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// A tiny model with every kind of parameter, frozen ones among them.
fn experiment(projections: &str) -> Experiment {
    experiment_with(projections, "adam-w")
}

fn experiment_with(projections: &str, optimizer: &str) -> Experiment {
    let optimizer = format!("optimizer={optimizer}");
    let settings = [
        &optimizer,
        "task.seq_len=3",
        "task.n_symbols=5",
        "model.d_model=4",
        "model.d_mlp=6",
        "model.bias=true",
        "model.w_o=true",
        "model.positions=learned",
        projections,
        "train.batch_size=4",
        "train.eval_examples=4",
        "train.steps=2",
        "schedule.warmup_steps=0",
    ];
    Registry::new().read(ConfigSource::Task("reverse"), &settings).unwrap()
}

fn batch(experiment: &Experiment, device: &Device) -> Batch {
    let examples = Examples { task: &*experiment.task, seed: 0, split: Split::Train };
    Batch::draw(examples, 0, 4, device).unwrap()
}

/// The state after one step, so that the optimizer remembers something.
fn state(experiment: &Experiment, device: &Device) -> State<AnyModel> {
    let recipe = experiment.config.recipe();
    let trainer = Trainer::new(experiment.model(device).unwrap(), &*experiment.task, recipe, device).unwrap();
    trainer.stop_after(Some(1)).run().unwrap().state
}

/// Puts `value` into the last number of one parameter, or of its gradient.
struct Inject<'a> {
    into: &'a str,
    value: f64,
    gradients: Option<&'a mut GradientsParams>,
    path: ModulePath,
}

impl ModuleMapper for Inject<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.path.names().join(".") != self.into {
            return param;
        }
        match &mut self.gradients {
            Some(gradients) => {
                let gradient = gradients.remove::<D>(param.id).unwrap();
                gradients.register(param.id, with_last(gradient, self.value));
                param
            }
            None => {
                let is_learned = param.is_require_grad();
                let tensor = with_last(param.val().inner(), self.value);
                let tensor = Tensor::from_inner(tensor).set_require_grad(is_learned);
                param.map(|_| tensor)
            }
        }
    }
}

fn with_last<const D: usize>(tensor: Tensor<D>, value: f64) -> Tensor<D> {
    let last = tensor.dims().map(|length| length - 1..length);
    let one = Tensor::full([1; D], value, (&tensor.device(), tensor.dtype()));
    tensor.slice_assign(last, one)
}

#[track_caller]
fn assert_named<T>(result: Result<T, TrainError>, expected: (u64, Quantity, Option<&str>)) {
    match result.err() {
        Some(error @ TrainError::Diverged { .. }) => {
            let TrainError::Diverged { step, what, tensor, value } = &error else { unreachable!() };
            assert_eq!((*step, *what, tensor.as_deref()), expected, "{error}");
            assert!(!value.is_finite(), "{error}");
            if let Some(path) = expected.2 {
                assert!(error.to_string().contains(path), "{error}");
            }
        }
        other => panic!("{expected:?} was not found: {other:?}"),
    }
}

/// Fails if it is told of anything.
struct NothingFollows;

impl<M> Observer<M> for NothingFollows {
    fn start(&mut self, _: &State<M>) -> Result<(), TrainError> {
        panic!("started")
    }

    fn step(&mut self, _: &State<M>, _: &StepReport) -> Result<Next, TrainError> {
        panic!("a step")
    }

    fn evaluated(&mut self, _: &State<M>, _: &Evaluation) -> Result<(), TrainError> {
        panic!("evaluated")
    }

    fn checkpoint(&mut self, _: &State<M>) -> Result<(), TrainError> {
        panic!("saved")
    }
}

/// Checks that `state` diverges in its next step: in the step alone, and in a training, which then reports nothing.
#[track_caller]
fn ends_its_step(
    experiment: &Experiment,
    state: State<AnyModel>,
    device: &Device,
    expected: (u64, Quantity, Option<&str>),
) {
    assert_named(state.clone().step(&experiment.parts, &batch(experiment, device), 1.0), expected);
    let model = experiment.model(device).unwrap();
    let trainer = Trainer::new(model, &*experiment.task, experiment.config.recipe(), device).unwrap();
    assert_named(trainer.resume(state).observe(&mut NothingFollows).run(), expected);
}

#[test]
fn every_parameter_is_watched() {
    let device = device().autodiff();
    for projections in ["model.projections=learned", "model.projections=frozen"] {
        let experiment = experiment(projections);
        let clean = state(&experiment, &device);
        let paths: Vec<String> = parameters(&clean.model).into_iter().map(|p| p.path).collect();
        assert!(paths.len() > 15, "{paths:?}");
        for (path, value) in paths.iter().flat_map(|path| BAD.map(|value| (path, value))) {
            let mut inject = Inject { into: path, value, gradients: None, path: ModulePath::default() };
            let state = State { model: clean.model.clone().map(&mut inject), ..clean.clone() };
            let expected = (1, Quantity::Parameter, Some(path.as_str()));
            ends_its_step(&experiment, state, &device, expected);
        }
    }
}

#[test]
fn every_gradient_is_watched() {
    let device = device().autodiff();
    let experiment = experiment("model.projections=learned");
    let clean = state(&experiment, &device);
    for (path, value) in
        parameters(&clean.model).iter().flat_map(|p| BAD.map(|value| (p.path.clone(), value)))
    {
        let mut backward = clean.backward(&experiment.parts, &batch(&experiment, &device)).unwrap();
        let gradients = Some(&mut backward.gradients);
        let mut inject = Inject { into: &path, value, gradients, path: ModulePath::default() };
        let state = State { model: clean.model.clone().map(&mut inject), ..clean.clone() };
        assert_named(
            state.update(&experiment.parts, backward, 1.0),
            (1, Quantity::Gradient, Some(path.as_str())),
        );
    }
}

#[test]
fn every_tensor_of_the_optimizer_is_watched() {
    let device = device().autodiff();
    for (optimizer, n_names) in [("adam", 2), ("adam-w", 2), ("lion", 1), ("muon", 3), ("sgd", 1)] {
        let experiment = experiment_with("model.projections=learned", optimizer);
        let clean = state(&experiment, &device);
        let mut names = BTreeSet::new();
        for (path, tensors) in &clean.optimizer.tensors {
            for ((name, _), value) in tensors.iter().flat_map(|tensor| BAD.map(|value| (tensor, value))) {
                let mut state = clean.clone();
                let tensors = state.optimizer.tensors.get_mut(path).unwrap();
                let tensor = tensors.take(name);
                tensors.put(name, with_last(tensor, value));
                let expected = (1, Quantity::OptimizerState(name), Some(path.as_str()));
                ends_its_step(&experiment, state, &device, expected);
                names.insert(name);
            }
        }
        assert_eq!(names.len(), n_names, "{optimizer}: {names:?}");
    }
}

#[test]
fn a_loss_of_finite_parameters_is_watched() {
    let device = device().autodiff();
    let experiment = experiment("model.projections=learned");
    let mut state = state(&experiment, &device);
    // Products of 1e30 leave the range of single precision; every parameter is finite.
    for path in ["unembedding", "norm.gamma"] {
        assert!(parameters(&state.model).iter().any(|p| p.path == path), "no {path}");
        let mut inject = Inject { into: path, value: 1e30, gradients: None, path: ModulePath::default() };
        state.model = state.model.map(&mut inject);
    }
    assert_named(state.step(&experiment.parts, &batch(&experiment, &device), 1.0), (1, Quantity::Loss, None));
}

/// Its loss is finite and the gradient of `root` is not: the slope of `√|x|` at 0.
#[derive(Module, Debug)]
struct Kink {
    table: Param<Tensor<2>>,
    root: Param<Tensor<1>>,
}

impl Model for Kink {
    fn features(&self, tokens: Tensor<3, Int>, _mode: Mode) -> Tensor<3> {
        let [batch, seq_len, _] = tokens.dims();
        let one_hot = tokens.reshape([batch, seq_len]).one_hot::<3>(3).float();
        one_hot.matmul(self.table.val().unsqueeze()) + self.root.val().abs().sqrt().unsqueeze()
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        features
    }

    fn tables(&self) -> Vec<ParamId> {
        Vec::new()
    }
}

/// What happened in a run.
#[derive(Default)]
struct Hooks(Vec<&'static str>);

impl<M> Observer<M> for Hooks {
    fn step(&mut self, _: &State<M>, _: &StepReport) -> Result<Next, TrainError> {
        self.0.push("step");
        Ok(Next::Continue)
    }

    fn checkpoint(&mut self, _: &State<M>) -> Result<(), TrainError> {
        self.0.push("checkpoint");
        Ok(())
    }

    fn end(&mut self, _: &State<M>) -> Result<(), TrainError> {
        self.0.push("end");
        Ok(())
    }
}

#[test]
fn a_gradient_that_is_not_finite_ends_the_run_before_its_step() {
    let device = device().autodiff();
    let task = Reverse { seq_len: 4, n_symbols: 3 };
    let init = Init::new(&device, 0);
    let model =
        Kink { table: init.normal("table", [3, 3], 1.0, Training::Learned), root: init.constant([3], 0.0) };
    let mut hooks = Hooks::default();
    let trainer = Trainer::new(model, &task, Recipe::default(), &device).unwrap();
    assert_named(trainer.observe(&mut hooks).run(), (0, Quantity::Gradient, Some("root")));
    assert_eq!(hooks.0, ["checkpoint"], "that of the start alone");
}
