//! Answers that are distributions or real numbers: what is computed of them, and what is refused.

use std::sync::Arc;

use burn::tensor::{DType, Device};
use qkv_model::{Init, Mode, Transformer, TransformerConfig};
use qkv_train::{
    Ablation, Batch, CrossEntropy, Evaluation, Examples, HeldOut, LabelSmoothing, Loss, LossInputs,
    MeanSquaredError, Measures, Parts, Prediction, Probe, Recipe, Split, TargetKind, Task, TrainError,
    Trainer,
};

use crate::support::backends::device;
use crate::support::differences::{Scalars, check};
use crate::support::numbers::{assert_close, values};
use crate::support::other_targets::{REVERSE, WithVectors, transformer};

/// The mirror image at 5/8, and each of the other five tokens but one at 3/32; nothing in the middle.
fn soft(tokens: &[u32]) -> Vec<Option<Vec<f32>>> {
    let p = |answer: u32| {
        let p = |token: u32| match (token + 6 - answer) % 6 {
            0 => 0.625,
            5 => 0.0,
            _ => 0.093_75,
        };
        (0..6).map(p).collect()
    };
    let answers = tokens.iter().rev().enumerate();
    answers.map(|(position, &answer)| (position != 2).then(|| p(answer))).collect()
}

/// Half the token and its distance from 2, at the last two positions.
fn numbers(tokens: &[u32]) -> Vec<Option<Vec<f32>>> {
    let of = |token: f32| vec![token / 2.0, token - 2.0];
    let all = tokens.iter().enumerate();
    all.map(|(position, &token)| (position >= 3).then(|| of(token as f32))).collect()
}

type OfTokens = fn(&[u32]) -> Vec<Option<Vec<f32>>>;

const SOFT: WithVectors<OfTokens> = WithVectors(TargetKind::Distributions, soft);

const NUMBERS: WithVectors<OfTokens> = WithVectors(TargetKind::Numbers, numbers);

fn batch(task: &dyn Task, device: &Device) -> Batch {
    Batch::draw(Examples { task, seed: 2, split: Split::Train }, 0, 4, device).unwrap()
}

fn predict<'a>(model: &Transformer, batch: &'a Batch) -> Prediction<'a> {
    Prediction::new(model, batch, Mode::Evaluate, LossInputs::default()).unwrap()
}

const CASES: [(&dyn Task, &dyn Loss); 4] = [
    (&SOFT, &CrossEntropy),
    (&SOFT, &LabelSmoothing { smoothing: 0.2 }),
    (&SOFT, &MeanSquaredError),
    (&NUMBERS, &MeanSquaredError),
];

#[test]
fn the_gradient_of_every_loss_of_vectors_agrees_with_differences() {
    let device = device();
    let model = |device: &Device| {
        let config = TransformerConfig { n_heads: 2, ..TransformerConfig::new(6, 5, 8) };
        config.init(&Init::new(device, 3).with_dtype(DType::F64)).unwrap()
    };
    let (learning, plain) = (model(&device.clone().autodiff()), model(&device));
    for (task, loss) in CASES {
        check(
            &format!("{loss:?} of {:?}", task.target_kind()),
            [&learning, &plain],
            &Scalars::Sample(3),
            |path| path.ends_with("attention.b_k"),
            |model| {
                let batch = batch(task, &model.embedding.table.val().device());
                loss.value(predict(model, &batch)).total
            },
        );
    }
}

#[test]
fn the_losses_of_single_vectors_have_the_loss_as_their_mean() {
    let device = device();
    let model = transformer(&device);
    for (task, loss) in CASES {
        let (batch, what) = (batch(task, &device), format!("{loss:?} of {:?}", task.target_kind()));
        let prediction = predict(&model, &batch);
        let of_targets = values(&loss.of_targets(&prediction));
        for (target, of_target) in of_targets.iter().enumerate() {
            let alone = loss.value(prediction.with_target(target, &batch.target(target))).total;
            assert_close(&what, &[*of_target], &values(&alone), 1e-6);
        }
        assert_eq!(
            of_targets.len(),
            if task.target_kind() == TargetKind::Numbers { 8 } else { 16 },
            "{what}"
        );
        let mean = of_targets.iter().sum::<f64>() / of_targets.len() as f64;
        assert_close(&what, &[mean], &values(&loss.value(prediction).total), 1e-6);
    }
}

#[test]
fn a_distribution_with_one_token_is_that_token() {
    let one_hot = |tokens: &[u32]| {
        let p =
            |answer: u32| (0..6).map(|token| if token == answer { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
        tokens.iter().rev().map(|&answer| Some(p(answer))).collect()
    };
    let task = WithVectors(TargetKind::Distributions, one_hot);
    let device = device();
    let model = transformer(&device);
    let (of_tokens, of_vectors) = (batch(&REVERSE, &device), batch(&task, &device));
    assert_eq!(of_tokens.targets.to_data(), of_vectors.targets.to_data());
    assert_eq!(of_tokens.positions.to_data(), of_vectors.positions.to_data());
    let losses: [&dyn Loss; 3] = [&CrossEntropy, &LabelSmoothing { smoothing: 0.2 }, &MeanSquaredError];
    for loss in losses {
        let [one, other] =
            [&of_tokens, &of_vectors].map(|batch| values(&loss.value(predict(&model, batch)).total));
        assert_close(&format!("{loss:?}"), &one, &other, 1e-6);
    }
    let [one, other] = [&REVERSE as &dyn Task, &task].map(|task| evaluate(&model, task, &CrossEntropy));
    assert_eq!((one.accuracy, one.sequence_accuracy), (other.accuracy, other.sequence_accuracy));
}

fn evaluate(model: &Transformer, task: &dyn Task, loss: &dyn Loss) -> Evaluation {
    let held_out = HeldOut { examples: Examples { task, seed: 1, split: Split::Test }, n_examples: 50 };
    let mut go_on = |_| Ok(std::ops::ControlFlow::Continue(()));
    let measures = Measures { loss, ..Measures::default() };
    held_out.evaluate_while(model, measures, &device(), &mut go_on).unwrap().continue_value().unwrap()
}

#[test]
fn real_numbers_have_a_loss_and_no_accuracy() {
    let device = device();
    let model = transformer(&device);
    let found = evaluate(&model, &NUMBERS, &MeanSquaredError);
    assert_eq!(found.names().collect::<Vec<_>>(), ["loss"]);
    // One example by hand: two logits at each of two positions.
    let example = Examples { task: &NUMBERS, seed: 1, split: Split::Test }.draw(0).unwrap();
    assert!(example.targets.iter().all(Option::is_none));
    let batch = Batch::new(&NUMBERS, std::slice::from_ref(&example), &device).unwrap();
    let logits = values(&predict(&model, &batch).logits);
    let answers: Vec<f64> = example.vectors.iter().flatten().flatten().map(|&y| f64::from(y)).collect();
    assert_eq!((logits.len(), answers.len()), (4, 4));
    let squares = logits.iter().zip(&answers).map(|(x, y)| (x - y).powi(2));
    let loss = values(&MeanSquaredError.value(predict(&model, &batch)).total);
    assert_close("by hand", &loss, &[squares.sum::<f64>() / 4.0], 1e-6);
    // Its labels are numbers.
    let probe = Probe::new(&model, &NUMBERS, &example, &device).unwrap();
    let label = |values: &[f64]| format!("{:.3} {:.3}", values[0], values[1]);
    let expected =
        |values: &[f64]| ["", "", "", &label(&values[..2]), &label(&values[2..])].map(str::to_owned);
    assert_eq!(probe.labels.targets, expected(&answers));
    assert_eq!(probe.labels.predictions, expected(&logits));
}

#[test]
fn what_a_loss_cannot_use_is_refused_before_the_first_step() {
    let device = device().autodiff();
    let trainer = |task: &dyn Task, loss: Arc<dyn Loss>| {
        let parts = Parts { loss, ..Parts::new(Recipe::default()).unwrap() };
        Trainer::with_parts(transformer(&device), task, parts, &device).map(drop)
    };
    let of_tokens: [Arc<dyn Loss>; 2] = [Arc::new(CrossEntropy), Arc::new(LabelSmoothing::default())];
    for loss in of_tokens {
        let error = trainer(&NUMBERS, loss).unwrap_err();
        assert!(matches!(error, TrainError::LossOfTargets { kind: TargetKind::Numbers, .. }), "{error}");
        assert!(error.is_usage() && error.to_string().contains("`mean-squared-error`"), "{error}");
    }
    trainer(&NUMBERS, Arc::new(MeanSquaredError)).unwrap();
    trainer(&SOFT, Arc::new(CrossEntropy)).unwrap();
    let examples = Examples { task: &NUMBERS, seed: 1, split: Split::Test };
    let error = Ablation::new(&transformer(&device), examples, 5, &device).map(drop).unwrap_err();
    assert!(matches!(error, TrainError::LossOfTargets { .. }), "{error}");
}

#[test]
fn a_vector_that_is_no_answer_is_refused_with_the_numbers() {
    let device = device().autodiff();
    let refused = |kind: TargetKind, vector: Vec<f32>| {
        let task = WithVectors(kind, move |tokens: &[u32]| vec![Some(vector.clone()); tokens.len()]);
        let parts = Parts { loss: Arc::new(MeanSquaredError), ..Parts::new(Recipe::default()).unwrap() };
        let error = Trainer::with_parts(transformer(&device), &task, parts, &device).map(drop).unwrap_err();
        assert!(error.is_usage());
        error.to_string()
    };
    let (distributions, numbers) =
        ("the answers of the task are distributions: ", "the answers of the task are real numbers: ");
    for (kind, vector, message) in [
        (
            TargetKind::Distributions,
            vec![0.5, 0.5],
            format!("{distributions}expected a probability for each of 6 tokens, got 2"),
        ),
        (
            TargetKind::Distributions,
            vec![0.5, 0.25, 0.0, 0.0, 0.0, 0.0],
            format!(
                "{distributions}expected probabilities of at least 0 with a sum of 1, got 0 and a sum of 0.75"
            ),
        ),
        (
            TargetKind::Distributions,
            vec![-0.5, 1.5, 0.0, 0.0, 0.0, 0.0],
            format!(
                "{distributions}expected probabilities of at least 0 with a sum of 1, got -0.5 and a sum of 1"
            ),
        ),
        (
            TargetKind::Numbers,
            vec![0.5; 7],
            format!("{numbers}expected at most 6 of them, as many as the vocabulary has tokens, got 7"),
        ),
        (TargetKind::Numbers, vec![f32::NAN], format!("{numbers}expected finite numbers, got NaN")),
        (
            TargetKind::Numbers,
            vec![],
            format!("{numbers}expected as many numbers in each as in the first, at least one, got 0"),
        ),
    ] {
        assert_eq!(refused(kind, vector), message);
    }
    let short = WithVectors(TargetKind::Numbers, |_: &[u32]| vec![Some(vec![1.0]); 4]);
    let example = Examples { task: &short, seed: 1, split: Split::Test }.draw(0).unwrap();
    let error = Batch::new(&short, &[example], &device).unwrap_err().to_string();
    assert!(error.contains("5 targets or gaps, got 5 and 4"), "{error}");
}
