//! Every built-in loss and its gradient, against PyTorch's, and against numbers worked out by hand.

use std::collections::BTreeSet;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use qkv_model::Choice;
use qkv_train::{Batch, Loss, LossValue, Parts, PartsCatalog, Prediction, Recipe, TargetKind};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::support::backends::{learning_places, places, tolerance};
use crate::support::numbers::{assert_close, tensor, values};

#[derive(Debug, Deserialize)]
struct Losses {
    vocab_size: usize,
    targets: Vec<i64>,
    distributions: Vec<f64>,
    numbers: Vec<f64>,
    logits: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    settings: Map<String, Value>,
    answers: Answers,
    loss: f64,
    d_logits: Vec<f64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answers {
    Tokens,
    Distributions,
    Numbers,
}

fn losses() -> Losses {
    serde_json::from_str(include_str!("../truth/losses.json")).unwrap()
}

fn loss(name: &str, settings: &Map<String, Value>) -> std::sync::Arc<dyn Loss> {
    let loss = Choice { name: name.to_owned(), settings: settings.clone() };
    Parts::new(Recipe { loss, ..Recipe::default() }).unwrap().loss
}

/// The loss of these logits, `[n, vocab_size]`, every position of one example having a target.
fn value(loss: &dyn Loss, logits: &Tensor<2>, targets: &[i64]) -> LossValue {
    of_batch(loss, logits, &batch(logits, targets))
}

fn of_batch(loss: &dyn Loss, logits: &Tensor<2>, batch: &Batch) -> LossValue {
    let attention_weights = Vec::new();
    loss.value(Prediction { logits: logits.clone(), batch, features: None, attention_weights, answers: None })
}

fn batch(logits: &Tensor<2>, targets: &[i64]) -> Batch {
    let (device, n) = (logits.device(), targets.len());
    let ints = |values: &[i64]| Tensor::<1, Int>::from_data(TensorData::new(values.to_vec(), [n]), &device);
    let positions: Vec<i64> = (0..n as i64).collect();
    Batch {
        tokens: Tensor::zeros([1, n, 1], &device),
        targets: ints(targets),
        target_kind: TargetKind::Tokens,
        vectors: None,
        positions: ints(&positions),
        targets_per_example: vec![n],
        largest_target: targets.iter().copied().max().unwrap() as u32,
    }
}

impl Losses {
    /// The loss of a case. Of real numbers the first logits are the predictions.
    fn value(&self, loss: &dyn Loss, logits: &Tensor<2>, answers: Answers) -> LossValue {
        let n = self.targets.len();
        let batch = batch(logits, &self.targets);
        let (target_kind, vectors) = match answers {
            Answers::Tokens => return of_batch(loss, logits, &batch),
            Answers::Distributions => (TargetKind::Distributions, &self.distributions),
            Answers::Numbers => (TargetKind::Numbers, &self.numbers),
        };
        assert!(loss.accepts(target_kind));
        let width = vectors.len() / n;
        let vectors = Some(tensor((&logits.device(), DType::F32), vectors, [n, width]));
        let logits = logits.clone().narrow(1, 0, width);
        of_batch(loss, &logits, &Batch { target_kind, vectors, ..batch })
    }
}

#[test]
fn losses_and_their_gradients_are_pytorchs() {
    let losses = losses();
    let Losses { vocab_size, targets, logits, cases, .. } = &losses;
    let shape = [targets.len(), *vocab_size];
    for Case { name, settings, answers, loss: expected, d_logits } in cases {
        let loss = loss(name, settings);
        for place @ (_, dtype) in learning_places() {
            let what = format!("{name} {settings:?} of {answers:?} in {dtype:?}");
            let within = tolerance(dtype, 1e-6, 1e-14);
            let logits = tensor(place, logits, shape).require_grad();
            let total = losses.value(&*loss, &logits, *answers).total;
            assert_close(&what, &values(&total), &[*expected], within);
            let gradient = logits.grad(&total.backward()).unwrap();
            assert_close(&what, &values(&gradient), d_logits, within);
        }
        // Without a gradient, where a loss may be computed in another way.
        for place @ (_, dtype) in places() {
            let total = losses.value(&*loss, &tensor(place, logits, shape), *answers).total;
            assert_close(name, &values(&total), &[*expected], tolerance(dtype, 1e-6, 1e-14));
        }
    }
}

#[test]
fn every_built_in_loss_has_a_case() {
    let covered: BTreeSet<String> = losses().cases.into_iter().map(|case| case.name).collect();
    assert_eq!(covered.iter().collect::<Vec<_>>(), PartsCatalog::default().loss_names().collect::<Vec<_>>());
}

/// Two targets among three tokens, whose probabilities are 1/2, 1/4, 1/4 and 1/8, 1/8, 3/4.
fn by_hand(place: (&Device, DType), name: &str, smoothing: Option<f64>) -> LossValue {
    let logits = [2.0, 1.0, 1.0, 1.0, 1.0, 6.0].map(f64::ln);
    let settings =
        smoothing.map(|smoothing| ("smoothing".to_owned(), smoothing.into())).into_iter().collect();
    value(&*loss(name, &settings), &tensor(place, &logits, [2, 3]), &[1, 2])
}

#[test]
fn losses_are_those_worked_out_by_hand() {
    for place @ (_, dtype) in places() {
        let within = tolerance(dtype, 1e-6, 1e-14);
        let check =
            |what: &str, got: &Tensor<1>, want: f64| assert_close(what, &values(got), &[want], within);
        let (ln_2, ln_3) = (2_f64.ln(), 3_f64.ln());
        // -(ln 1/4 + ln 3/4) / 2
        let cross_entropy = (4.0 * ln_2 - ln_3) / 2.0;
        check("cross-entropy", &by_hand(place, "cross-entropy", None).total, cross_entropy);
        // -ln of all six probabilities: 1 + 2 + 2 + 3 + 3 + 2 halvings, and one 3.
        let of_all = (13.0 * ln_2 - ln_3) / 6.0;
        let smoothed = by_hand(place, "label-smoothing", Some(0.25));
        check("label smoothing", &smoothed.total, 0.75 * cross_entropy + 0.25 * of_all);
        check("its part", &smoothed.parts["cross_entropy"], cross_entropy);
        // (ln 2)² + 1² + 0 for the first target, 0 + 0 + (ln 6 - 1)² for the second.
        let squares = ln_2 * ln_2 + 1.0 + (ln_2 + ln_3 - 1.0).powi(2);
        check("squared error", &by_hand(place, "mean-squared-error", None).total, squares / 6.0);
    }
}
