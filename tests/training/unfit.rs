//! Tasks and models that do not fit each other: an error names what was expected and what was found.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use qkv_model::{Mode, Transformer};
use qkv_train::{
    Batch, Example, Examples, Model, OptimizerState, Parts, Probe, Recipe, Split, State, TrainError, Trainer,
    draw, evaluate,
};

use crate::support::backends::device;
use crate::support::other_targets::{REVERSE, WithTargets, transformer};

/// A transformer without the last `n_left_out` of its features.
#[derive(Module, Debug)]
struct Short {
    transformer: Transformer,
    n_left_out: usize,
}

impl Model for Short {
    fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        let [_, seq_len, _] = tokens.dims();
        Model::features(&self.transformer, tokens, mode).narrow(1, 0, seq_len - self.n_left_out)
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        self.transformer.logits(features)
    }
}

#[track_caller]
fn check<T>(result: Result<T, TrainError>, message: &str) {
    let error = result.err().unwrap();
    assert_eq!(error.to_string(), message);
    assert!(error.is_usage());
}

const NO_GRADIENTS: &str =
    "the model or the device is without autodiff; build the model on `device.autodiff()`, and train that one";

#[test]
fn a_model_without_autodiff_is_not_trained() {
    let device = device();
    let learning = device.clone().autodiff();
    let plain = transformer(&device);
    for (model, device) in [
        (plain.clone(), &device),
        (plain.clone(), &learning),
        (transformer(&learning).valid(), &learning),
        (transformer(&learning), &device),
    ] {
        check(Trainer::new(model, &REVERSE, Recipe::default(), device).map(|_| ()), NO_GRADIENTS);
    }
    let parts = Parts::new(Recipe::default()).unwrap();
    let batch = Batch::new(&REVERSE, &[draw(&REVERSE, 0, Split::Train, 0).unwrap()], &device).unwrap();
    let state = State { step: 0, model: plain, optimizer: OptimizerState::default() };
    check(state.step(&parts, &batch, 1.0).map(|_| ()), NO_GRADIENTS);
}

#[test]
fn a_target_outside_the_vocabulary_is_named() {
    let message = "a target is 6, but the vocabulary has 6 tokens, numbered from 0; the vocabulary of the task and \
                   that of the model must have them all";
    let task = WithTargets(|_: &[u32]| vec![Some(5), Some(6), None, Some(0), None]);
    let device = device();
    let learning = device.clone().autodiff();
    let new = Trainer::new(transformer(&learning), &task, Recipe::default(), &learning);
    check(new.map(|_| ()), message);
    let examples = Examples { task: &task, seed: 0, split: Split::Test };
    check(evaluate(&transformer(&device), examples, 3, &device), message);
    let last = WithTargets(|_: &[u32]| vec![Some(5); 5]);
    evaluate(&transformer(&device), Examples { task: &last, ..examples }, 3, &device).unwrap();
}

#[test]
fn an_example_of_another_length_is_refused() {
    let device = device();
    let learning = device.clone().autodiff();
    for n_targets in [4, 6] {
        let message = format!("an example must have 5 tokens and 5 targets or gaps, got 5 and {n_targets}");
        let task = WithTargets(|_: &[u32]| vec![Some(1); n_targets]);
        let new = Trainer::new(transformer(&learning), &task, Recipe::default(), &learning);
        check(new.map(|_| ()), &message);
        let example = draw(&task, 0, Split::Test, 0).unwrap();
        check(Probe::new(&transformer(&device), &task, &example, &device).map(|_| ()), &message);
        let examples = Examples { task: &task, seed: 0, split: Split::Test };
        check(evaluate(&transformer(&device), examples, 3, &device), &message);
    }
    let short = Example { tokens: vec![1; 4], targets: vec![Some(1); 5], vectors: Vec::new() };
    let message = "an example must have 5 tokens and 5 targets or gaps, got 4 and 5";
    check(Batch::new(&REVERSE, &[short], &device).map(|_| ()), message);
}

#[test]
fn features_of_another_length_are_refused() {
    let device = device();
    let short = Short { transformer: transformer(&device), n_left_out: 1 };
    let examples = Examples { task: &REVERSE, seed: 0, split: Split::Test };
    let message = "the model's features must have the shape [3, 5, d_model], got [3, 4, 12]";
    check(evaluate(&short, examples, 3, &device), message);
    let whole = Short { n_left_out: 0, ..short };
    evaluate(&whole, examples, 3, &device).unwrap();
}
