//! Tasks of pairs with ten seeds: minutes, so that only `tests/long/run` runs it.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "../support/alignment.rs"]
mod alignment;

use burn::module::Module;
use burn::tensor::Device;
use qkv_train::{ConfigSource, Examples, Registry, Split, Trainer, evaluate};

use alignment::{best, learn};

#[test]
fn two_hundred_years_are_learned() {
    let device = Device::flex().autodiff();
    for seed in 0..10 {
        let seed = format!("seed={seed}");
        let settings = ["train.eval_every=1500", &seed];
        let experiment = Registry::new().read(ConfigSource::Task("dates"), &settings).unwrap();
        let task = &*experiment.task;
        let model = experiment.model(&device).unwrap();
        let trainer = Trainer::with_parts(model, task, experiment.parts.clone(), &device).unwrap();
        let trained = trainer.run().unwrap();
        let examples = Examples { task, seed: 0, split: Split::Test };
        let found = evaluate(&trained.state.model.valid(), examples, 10_000, &device).unwrap();
        println!("{seed}: sequence accuracy {}", found.sequence_accuracy);
        assert!(found.sequence_accuracy >= 0.999, "{seed}: {found:?}");
    }
}

#[test]
fn the_names_of_all_numbers_are_learned_and_aligned() {
    for seed in 0..10 {
        let seed = format!("seed={seed}");
        let (accuracy, heads) = learn(&["train.steps=1200", "task.largest=9999", &seed]);
        println!("{seed}: sequence accuracy {accuracy}, weight on the characters by head {heads:.3?}");
        assert!(accuracy > 0.95 && best(&heads) > 0.7, "{seed}: {accuracy}, {heads:?}");
    }
    let (accuracy, heads) = learn(&["train.steps=2500", "model.n_layers=2"]);
    println!("two layers, up to 999,999: sequence accuracy {accuracy}, {heads:.3?}");
    assert!(accuracy > 0.99 && best(&heads) > 0.9, "{accuracy}, {heads:?}");
}
