//! BLEU against the numbers of sacrebleu, in configs, and of answers that a model writes itself.

use burn::module::Module;
use burn::tensor::Device;
use qkv_train::{
    BleuSums, ConfigSource, Examples, HeldOut, Measures, Registry, Split, Trainer, write_answers,
};
use serde::Deserialize;

use crate::support::number_names::NUMBERS;

#[derive(Deserialize)]
struct Recorded {
    cases: Vec<Case>,
}

/// A small corpus, and what sacrebleu gives for it.
#[derive(Deserialize)]
struct Case {
    name: String,
    hypotheses: Vec<String>,
    /// Of each hypothesis.
    references: Vec<Vec<String>>,
    score: f64,
}

#[test]
fn the_score_of_every_recorded_corpus_is_that_of_sacrebleu() {
    let recorded: Recorded = serde_json::from_str(include_str!("../truth/bleu.json")).unwrap();
    assert!(recorded.cases.len() >= 12);
    for Case { name, hypotheses, references, score } in recorded.cases {
        let mut sums = BleuSums::default();
        assert_eq!(hypotheses.len(), references.len(), "{name}");
        for (hypothesis, references) in hypotheses.iter().zip(&references) {
            sums.add(hypothesis, &references.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let found = sums.score();
        // Both add four logarithms in double precision.
        assert!((found - score).abs() < 1e-9, "{name}: {found}, sacrebleu has {score}");
    }
}

#[test]
fn a_corpus_is_more_than_the_mean_of_its_lines() {
    let score = |lines: &[[&str; 2]]| {
        let mut sums = BleuSums::default();
        lines.iter().for_each(|[hypothesis, reference]| sums.add(hypothesis, &[reference]));
        sums.score()
    };
    let lines = [["a b c d e", "a b c d e"], ["x y", "x z"]];
    assert!((score(&lines[..1]) - 100.0).abs() < 1e-9);
    assert_eq!(score(&lines[1..]), 0.0);
    let both = score(&lines);
    assert!(both > 50.0 && both < 100.0, "{both}");
    assert_eq!(score(&[]), 0.0);
}

#[test]
fn the_metric_is_the_score_of_what_the_model_writes_and_not_of_what_a_teacher_shows_it() {
    let device = Device::flex().autodiff();
    let experiment = Registry::new().read(ConfigSource::Task("translate"), &NUMBERS).unwrap();
    let task = &*experiment.task;
    let model = experiment.model(&device).unwrap();
    let trained = Trainer::with_parts(model, task, experiment.parts.clone(), &device).unwrap().run().unwrap();
    let model = trained.state.model.valid();
    let examples = Examples { task, seed: 0, split: Split::Test };
    let n_examples = 60;
    let measures = Measures { metrics: &experiment.parts.metrics, ..Measures::default() };
    let mut go_on = |_| Ok(std::ops::ControlFlow::Continue(()));
    let held_out = HeldOut { examples, n_examples };
    let measured = held_out.evaluate_while(&model, measures, &device, &mut go_on).unwrap();
    let found = measured.continue_value().unwrap();
    // From the source alone.
    let translation = task.translation().unwrap();
    let drawn: Vec<Vec<u32>> = (0..n_examples).map(|index| examples.draw(index).unwrap().tokens).collect();
    let source_len = task.source_len();
    let inputs: Vec<Vec<u32>> = drawn
        .iter()
        .map(|tokens| translation.input(&translation.text(&tokens[..source_len])).unwrap())
        .collect();
    assert!(inputs.iter().zip(&drawn).all(|(input, drawn)| input[..source_len] == drawn[..source_len]));
    let mut sums = BleuSums::default();
    let mut n_right = 0;
    for (answer, tokens) in write_answers(&model, translation, &inputs, &device).iter().zip(&drawn) {
        let (written, right) = (translation.text(answer), translation.reference(&tokens[source_len..]));
        n_right += usize::from(written == right);
        sums.add(&written, &[&right]);
    }
    assert!((found.metrics["bleu"] - sums.score()).abs() < 1e-9, "{found:?}, alone {}", sums.score());
    assert_eq!(found.sequence_accuracy, n_right as f64 / n_examples as f64);
    // It has learned something, and not all: otherwise nothing was shown.
    assert!(found.metrics["bleu"] > 0.0 && found.sequence_accuracy < 1.0, "{found:?}");
}

#[test]
fn a_task_without_answers_to_write_has_no_score() {
    let settings = ["train.metrics=[\"accuracy\", \"bleu\"]"];
    let experiment = Registry::new().read(ConfigSource::Task("reverse"), &settings).unwrap();
    let figures = experiment.parts.measures().figures(&*experiment.task).unwrap();
    let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
    assert_eq!(names, ["loss", "accuracy"]);
    let error = Registry::new()
        .read(ConfigSource::Task("reverse"), &[settings[0], "train.stop_metric=bleu"])
        .unwrap_err();
    assert!(error.to_string().contains("`bleu`"), "{error}");
}
