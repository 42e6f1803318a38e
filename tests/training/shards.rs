//! A batch in shards: its gradient is that of the whole batch, dropout included.

use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor};
use qkv_model::{Choice, Init, NoSettings, Transformer, TransformerConfig};
use qkv_train::{
    ConfigSource, CrossEntropy, Loss, LossValue, Next, Observer, Parts, Prediction, Recipe, Registry,
    Reverse, State, StepReport, Task, TrainError, Trainer,
};

use crate::support::backends::{device, learning_places, tolerance};
use crate::support::module_gradients::{Gradient, found, largest};
use crate::support::numbers::distance;
use crate::support::other_targets::WithTargets;

/// The gradients and the report of the first step.
#[derive(Default)]
struct First {
    gradients: Vec<Gradient>,
    loss: f64,
    loss_parts: BTreeMap<String, f64>,
}

impl Observer<Transformer> for First {
    fn gradients(
        &mut self,
        state: &State<Transformer>,
        gradients: &GradientsParams,
    ) -> Result<(), TrainError> {
        self.gradients = found(&state.model, gradients);
        Ok(())
    }

    fn step(&mut self, _: &State<Transformer>, report: &StepReport) -> Result<Next, TrainError> {
        (self.loss, self.loss_parts) = (report.loss, report.loss_parts.clone());
        Ok(Next::Continue)
    }
}

/// The first step on a batch of 23 examples in so many shards.
fn first_step(task: &dyn Task, dropout: f64, shards: usize, place: (&Device, DType)) -> First {
    let (device, dtype) = place;
    let config =
        TransformerConfig { n_layers: 2, n_heads: 2, d_mlp: 11, dropout, ..TransformerConfig::new(6, 5, 12) };
    let model = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
    let mut recipe = Recipe { loss: Choice::new("label-smoothing"), ..Recipe::default() };
    recipe.train.steps = 1;
    recipe.train.eval_examples = 8;
    (recipe.train.batch_size, recipe.train.shards) = (23, shards);
    let mut first = First::default();
    Trainer::new(model, task, recipe, device).unwrap().observe(&mut first).run().unwrap();
    first
}

#[test]
fn the_gradient_of_a_batch_in_shards_is_that_of_the_whole_batch() {
    // From no target to five in an example.
    let some =
        WithTargets(|tokens: &[u32]| tokens.iter().map(|&token| (token < 2).then_some(token)).collect());
    let all = Reverse { seq_len: 5, n_symbols: 6 };
    for place @ (_, dtype) in learning_places() {
        for (task, dropout) in [(&some as &dyn Task, 0.0), (&some, 0.3), (&all, 0.3)] {
            let whole = first_step(task, dropout, 1, place);
            for shards in [2, 3, 7, 23] {
                let parts = first_step(task, dropout, shards, place);
                let tolerance = tolerance(dtype, 2e-6, 1e-14);
                assert!((whole.loss - parts.loss).abs() < tolerance, "{} {}", whole.loss, parts.loss);
                for (name, number) in &whole.loss_parts {
                    assert!((number - parts.loss_parts[name]).abs() < tolerance, "{name}");
                }
                assert_eq!(whole.gradients.len(), parts.gradients.len());
                for (whole, part) in whole.gradients.iter().zip(&parts.gradients) {
                    let [all, sum] = [whole, part].map(|gradient| gradient.values.as_ref().unwrap());
                    assert!(largest(all) > 0.0, "{}", whole.path);
                    let error = distance(all, sum);
                    assert!(error < tolerance, "{shards} shards, {}: {error}", whole.path);
                }
            }
        }
    }
}

/// Cross-entropy, and the variance of logits over the targets: no mean over parts.
#[derive(Debug)]
struct Contrast;

impl Loss for Contrast {
    fn is_mean_over_parts(&self) -> bool {
        false
    }

    fn value(&self, prediction: Prediction<'_>) -> LossValue {
        let spread: Tensor<1> = prediction.logits.clone().var(0).mean();
        LossValue::from(CrossEntropy.value(prediction).total + spread)
    }
}

#[test]
fn what_cannot_be_divided_is_refused_with_the_numbers() {
    let registry = Registry::new().loss("contrast", |_: &NoSettings| Ok(Contrast));
    let refusal = |settings: &[&str]| {
        let experiment = registry.read(ConfigSource::Task("reverse"), settings)?;
        let device = device().autodiff();
        let (model, task) = (experiment.model(&device)?, &*experiment.task);
        Trainer::with_parts(model, task, experiment.parts.clone(), &device).map(drop)
    };
    for (settings, expected) in [
        (
            &["train.shards=129"][..],
            "train.shards must be between 1 and train.batch_size, which is 128, got 129",
        ),
        (&["train.shards=0"], "train.shards must be between 1 and train.batch_size, which is 128, got 0"),
        (
            &["train.shards=2", "loss=contrast"],
            "train.shards is 2, but the loss Contrast of a batch is not the mean of those of its parts; set \
             train.shards = 1, or take another loss",
        ),
    ] {
        assert_eq!(refusal(settings).unwrap_err().to_string(), expected);
    }
    refusal(&["loss=contrast"]).unwrap();
    refusal(&["train.shards=128"]).unwrap();
}

#[test]
fn shards_without_a_target_are_left_out_and_a_batch_without_one_is_refused() {
    // Rare targets, so that of 23 shards of one example some ask for nothing.
    let rare =
        WithTargets(|tokens: &[u32]| tokens.iter().map(|&token| (token == 5).then_some(token)).collect());
    let place = learning_places()[1];
    let [whole, parts] = [1, 23].map(|shards| first_step(&rare, 0.0, shards, place).loss);
    assert!((whole - parts).abs() < 1e-14, "{whole} {parts}");
    let device = device().autodiff();
    // The first example of a split, by which a task is checked, and the batch that is drawn have none.
    let never = WithTargets(|tokens: &[u32]| vec![None; tokens.len()]);
    let model = TransformerConfig::new(6, 5, 12).init(&Init::new(&device, 1)).unwrap();
    let mut recipe = Recipe::default();
    recipe.train.shards = 3;
    let trainer = Trainer::with_parts(model, &never, Parts::new(recipe).unwrap(), &device).unwrap();
    let error = trainer.run().err().unwrap();
    assert!(matches!(error, TrainError::NoTargets { examples: 128 }), "{error}");
}
