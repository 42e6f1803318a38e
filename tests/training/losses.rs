//! Losses in configs and in trainings: their names and settings, gradients through a whole model, and what is reported.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor};
use qkv_model::{Choice, Init, Mode, NoSettings, Transformer, TransformerConfig};
use qkv_run::Evaluation;
use qkv_train::{
    Batch, Config, ConfigSource, CrossEntropy, Examples, HeldOut, LabelSmoothing, Loss, LossInputs,
    LossValue, MeanSquaredError, Measures, Model, Next, Observer, OptimizerState, PartFault, Parts,
    Prediction, Recipe, Registry, Reverse, Split, State, StepReport, TrainError, Trainer, evaluate,
};

use crate::support::backends::device;
use crate::support::differences::{Scalars, check};
use crate::support::numbers::{assert_close, values};

const TASK: Reverse = Reverse { seq_len: 5, n_symbols: 3 };

/// Cross-entropy, and a penalty on the entropy of attention weights and on large features.
#[derive(Debug)]
struct Penalised;

impl Loss for Penalised {
    fn inputs(&self) -> LossInputs {
        LossInputs { features: true, attention_weights: true, ..LossInputs::default() }
    }

    fn value(&self, prediction: Prediction<'_>) -> LossValue {
        let entropy = |weights: &Tensor<4>| {
            (weights.clone() * weights.clone().clamp_min(1e-30).log()).sum_dim(3).mean().neg()
        };
        let of_layers = prediction.attention_weights.iter().map(entropy).reduce(|sum, next| sum + next);
        let entropy = of_layers.expect("the model has attention");
        let size = prediction.features.clone().expect("they were asked for").square().mean();
        let cross_entropy = CrossEntropy.value(prediction).total;
        let total = cross_entropy + entropy.clone().mul_scalar(0.3) + size.clone().mul_scalar(0.01);
        LossValue::from(total).with_part("entropy", entropy).with_part("size", size)
    }
}

fn model(device: &Device, dtype: DType) -> Transformer {
    let config = TransformerConfig { n_layers: 2, n_heads: 2, ..TransformerConfig::new(3, 5, 8) };
    config.init(&Init::new(device, 3).with_dtype(dtype)).unwrap()
}

fn batch(device: &Device) -> Batch {
    Batch::draw(Examples { task: &TASK, seed: 2, split: Split::Train }, 0, 4, device).unwrap()
}

#[test]
fn the_gradient_of_every_loss_agrees_with_differences() {
    let losses: [&dyn Loss; 4] =
        [&CrossEntropy, &LabelSmoothing { smoothing: 0.2 }, &MeanSquaredError, &Penalised];
    let device = device();
    for loss in losses {
        let (learning, plain) = (model(&device.clone().autodiff(), DType::F64), model(&device, DType::F64));
        check(
            &format!("{loss:?}"),
            [&learning, &plain],
            &Scalars::Sample(3),
            |path| path.ends_with("attention.b_k"),
            |model| {
                let batch = batch(&model.embedding.table.val().device());
                loss.value(Prediction::new(model, &batch, Mode::Evaluate, loss.inputs()).unwrap()).total
            },
        );
    }
}

#[test]
fn the_losses_of_single_targets_have_the_loss_as_their_mean() {
    let device = device();
    let (model, batch) = (model(&device, DType::F64), batch(&device));
    let losses: [&dyn Loss; 4] =
        [&CrossEntropy, &LabelSmoothing { smoothing: 0.2 }, &MeanSquaredError, &Penalised];
    for loss in losses {
        let prediction = Prediction::new(&model, &batch, Mode::Evaluate, loss.inputs()).unwrap();
        let of_targets = values(&loss.of_targets(&prediction));
        for (target, of_target) in of_targets.iter().enumerate() {
            let alone = loss.value(prediction.with_target(target, &batch.target(target))).total;
            assert_close(&format!("{loss:?}"), &[*of_target], &values(&alone), 1e-14);
        }
        let mean = of_targets.iter().sum::<f64>() / of_targets.len() as f64;
        assert_close(&format!("{loss:?}"), &[mean], &values(&loss.value(prediction).total), 1e-14);
        assert_eq!(of_targets.len(), 20);
    }
}

fn read(settings: &[&str]) -> Result<Config, TrainError> {
    Ok(Registry::new().read(ConfigSource::Task("reverse"), settings)?.config)
}

#[test]
fn a_config_names_its_loss_and_has_cross_entropy_where_it_names_none() {
    let cross_entropy = Choice::new("cross-entropy");
    let loss = |settings: &[&str]| read(settings).unwrap().loss;
    let smoothing = |smoothing: f64| Choice::new("label-smoothing").with("smoothing", smoothing);
    assert_eq!(loss(&[]), cross_entropy);
    assert_eq!(loss(&["loss=label-smoothing"]), smoothing(0.1));
    for order in
        [["loss=label-smoothing", "loss.smoothing=0.2"], ["loss.smoothing=0.2", "loss.name=label-smoothing"]]
    {
        assert_eq!(loss(&order), smoothing(0.2));
    }
    // What a file has, over the defaults and under settings.
    let text = "task = \"reverse\"\n[loss]\nname = \"label-smoothing\"\nsmoothing = 0.3\n";
    let over = |text: &str, settings: &[&str]| {
        Registry::new().read(ConfigSource::Toml(text), settings).unwrap().config
    };
    assert_eq!(over(text, &[]).loss, smoothing(0.3));
    assert_eq!(over(text, &["loss.smoothing=0"]).loss, smoothing(0.0));
    assert_eq!(over(text, &["loss=mean-squared-error"]).loss, Choice::new("mean-squared-error"));
    // The file of a run comes back the same; that of an older one has no such line.
    for config in [over(text, &[]), read(&[]).unwrap()] {
        assert_eq!(over(&config.to_toml(), &[]), config);
    }
    let old = read(&[]).unwrap().to_toml().replace("loss = \"cross-entropy\"\n", "");
    assert!(!old.contains("loss"), "{old}");
    assert_eq!(over(&old, &[]), read(&[]).unwrap());
}

#[test]
fn a_wrong_loss_is_refused_with_what_is_known() {
    for (settings, message) in [
        (
            &["loss=hinge"][..],
            "unknown loss `hinge`; choose one of cross-entropy, label-smoothing, mean-squared-error",
        ),
        (&["loss=label-smoothing", "loss.smoothing=1.5"], "loss.smoothing must be between 0 and 1, got 1.5"),
        (
            &["loss=label-smoothing", "loss.smothing=0.1"],
            "unknown key `loss.smothing`; did you mean `loss.smoothing`?",
        ),
        (&["loss.smoothing=0.1"], "unknown key `loss.smoothing`"),
        (&["loss=3"], "loss must be a name in quotes, or a table with one, got 3"),
    ] {
        let error = read(settings).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert!(error.is_usage());
    }
    let twice = Registry::new().loss("cross-entropy", |_: &NoSettings| Ok(CrossEntropy));
    let error = twice.read(ConfigSource::Task("reverse"), &[] as &[&str]).unwrap_err().to_string();
    assert!(error.contains("loss") && error.contains("`cross-entropy`"), "{error}");
}

/// What is reported of every step, and of the last evaluation.
#[derive(Default)]
struct Reports(Vec<StepReport>, Option<Evaluation>);

impl<M> Observer<M> for Reports {
    fn step(&mut self, _: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        self.0.push(report.clone());
        Ok(Next::Continue)
    }

    fn evaluated(&mut self, _: &State<M>, evaluation: &Evaluation) -> Result<(), TrainError> {
        self.1 = Some(evaluation.clone());
        Ok(())
    }
}

#[test]
fn a_training_minimises_the_loss_of_its_parts_and_reports_it_everywhere() {
    let device = device().autodiff();
    let mut recipe = Recipe::default();
    recipe.train.steps = 60;
    recipe.train.eval_examples = 50;
    let parts = Parts { loss: std::sync::Arc::new(Penalised), ..Parts::new(recipe).unwrap() };
    let mut reports = Reports::default();
    let trainer = Trainer::with_parts(model(&device, DType::F32), &TASK, parts.clone(), &device).unwrap();
    let trained = trainer.observe(&mut reports).run().unwrap();
    let Reports(steps, evaluation) = reports;
    let entropy = |report: &StepReport| report.loss_parts["entropy"];
    // Two layers of five keys: at first hardly less than 2 ln 5 = 3.2.
    let [first, last] = [&steps[0], &steps[59]].map(entropy);
    assert!(first > 3.0 && last < 2.0, "from {first} to {last}");
    assert_eq!(steps[0].loss_parts.keys().collect::<Vec<_>>(), ["entropy", "size"]);
    // The held-out loss is the same quantity, and no cross-entropy.
    let (model, evaluation) = (trained.state.model.valid(), evaluation.unwrap());
    let examples = Examples { task: &TASK, seed: 0, split: Split::Validation };
    let cross_entropy = evaluate(&model, examples, 50, &device).unwrap();
    assert_eq!(evaluation.accuracy, cross_entropy.accuracy);
    assert!(evaluation.loss > cross_entropy.loss + 0.01, "{evaluation:?} {cross_entropy:?}");
    let measures = Measures { loss: &Penalised, ..Measures::default() };
    let mut go_on = |_| Ok(std::ops::ControlFlow::Continue(()));
    let again = HeldOut { examples, n_examples: 50 }.evaluate_while(&model, measures, &device, &mut go_on);
    assert_eq!(again.unwrap(), std::ops::ControlFlow::Continue(evaluation));
}

#[test]
fn a_step_of_its_own_halves_is_the_step() {
    let device = device().autodiff();
    let parts = Parts::new(Recipe::default()).unwrap();
    let state = || State { step: 0, model: model(&device, DType::F32), optimizer: OptimizerState::default() };
    let batch = batch(&device);
    let (whole, outcome) = state().step(&parts, &batch, 0.5).unwrap();
    let mode = Mode::Train { seed: 0, step: 0, first_example: 0 };
    let state = state();
    let prediction = Prediction::new(&state.model, &batch, mode, LossInputs::default()).unwrap();
    let backward = state.backward_from(CrossEntropy.value(prediction)).unwrap();
    let (halves, same) = state.update(&parts, backward, 0.5).unwrap();
    assert_eq!(same, outcome);
    crate::support::parameters::assert_same("halves", &whole.model, &halves.model);
}

/// A model without a hook for attention weights.
#[derive(Module, Debug)]
struct Table {
    table: Param<Tensor<2>>,
}

impl Model for Table {
    fn features(&self, tokens: Tensor<3, Int>, _: Mode) -> Tensor<3> {
        let [batch, seq_len, _] = tokens.dims();
        self.table.val().select(0, tokens.flatten::<1>(0, 2)).reshape([batch, seq_len, 3])
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        features
    }
}

#[test]
fn a_loss_that_is_no_number_or_reads_weights_that_a_model_does_not_show_is_an_error() {
    let device = device().autodiff();
    let parts = Parts::new(Recipe::default()).unwrap();
    let batch = batch(&device);
    let state = State { step: 0, model: model(&device, DType::F32), optimizer: OptimizerState::default() };
    let numbers = Tensor::<1>::from_data([1.0, 2.0, 3.0], &device);
    let error = |loss: LossValue| state.backward_from(loss).unwrap_err().to_string();
    let message = "the loss must be one number, but its total has 3; take the mean over all targets";
    assert_eq!(error(LossValue::from(numbers.clone())), message);
    let with_part =
        LossValue { total: numbers.clone().mean(), parts: BTreeMap::from([("x".to_owned(), numbers)]) };
    assert!(error(with_part).contains("its x has 3"));

    let table =
        Table { table: Param::from_data([[1.0, 0.0, 2.0], [0.5, 0.1, 0.2], [0.0, 0.0, 1.0]], &device) };
    let state = State { step: 0, model: table, optimizer: OptimizerState::default() };
    state.backward(&parts, &batch).unwrap();
    let parts = Parts { loss: std::sync::Arc::new(Penalised), ..parts };
    let at_the_door = Trainer::with_parts(state.model.clone(), &TASK, parts.clone(), &device).err().unwrap();
    for error in [state.backward(&parts, &batch).unwrap_err(), at_the_door] {
        assert!(
            matches!(error, TrainError::Part(PartFault::NotWritten { method: "features_with", .. })),
            "{error}"
        );
    }
}
