//! How a text goes on after a prompt, and how answers are drawn.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use qkv_model::random::{Purpose, stream};
use qkv_model::{Init, MaskConfig, Mode, Transformer, TransformerConfig};
use qkv_train::{
    ConfigSource, Copy, Dates, Drawn, Example, Model, Probe, Registry, Reverse, Sampling, Task, TrainError,
    Translation, answer_input, draw_answers, generate, n_given, write_answers,
};
use rand::RngExt;

use crate::support::other_targets::{REVERSE, transformer};

/// The first tokens of a text that goes on.
fn text(
    model: &impl Model,
    task: &dyn Task,
    prompt: &[u32],
    sampling: &Sampling,
    n_tokens: usize,
) -> Result<Vec<u32>, TrainError> {
    Ok(tokens(generate(model, task, prompt, sampling, &Device::flex())?.take(n_tokens)))
}

fn tokens(drawn: impl IntoIterator<Item = Drawn>) -> Vec<u32> {
    drawn.into_iter().map(|drawn| drawn.token).collect()
}

/// An untrained model that does not look ahead.
fn causal(task: &dyn Task) -> Transformer {
    let mut config = TransformerConfig::new(task.vocabulary().len(), task.seq_len(), 12);
    config.mask = MaskConfig::Causal.into();
    config.init(&Init::new(&Device::flex(), 1)).unwrap()
}

/// The logits at the end of a text, by the model's own two methods.
fn last_logits(model: &impl Model, text: &[u32]) -> Vec<f64> {
    let ids: Vec<i64> = text.iter().map(|&token| i64::from(token)).collect();
    let ids = Tensor::<3, Int>::from_data(TensorData::new(ids, [1, text.len(), 1]), &Device::flex());
    let features = model.features(ids, Mode::Evaluate);
    let last = features.slice([0..1, text.len() - 1..text.len()]).squeeze_dim::<2>(1);
    model.logits(last).into_data().iter::<f64>().collect()
}

fn argmax(logits: &[f64]) -> u32 {
    let larger = |best: usize, token: usize| if logits[token] > logits[best] { token } else { best };
    (0..logits.len()).reduce(larger).unwrap() as u32
}

#[test]
fn a_sample_is_a_function_of_seed_and_index_and_stays_in_the_vocabulary() {
    let model = transformer(&Device::flex());
    // 40 tokens: several times as many as the model sees at once.
    let sample = |seed, index| {
        let sampling = Sampling { seed, index, ..Sampling::default() };
        text(&model, &REVERSE, &[0], &sampling, 40).unwrap()
    };
    assert_eq!(sample(1, 0).len(), 40);
    assert_eq!(sample(1, 0), sample(1, 0));
    assert_ne!(sample(1, 0), sample(2, 0));
    assert_ne!(sample(1, 0), sample(1, 1));
    assert!((0..20).flat_map(|seed| sample(seed, 0)).all(|token| token < 6));
}

/// Expects the token after the first one that it sees, and writes down how much it saw.
#[derive(Module, Debug)]
struct Successor {
    vocab_size: usize,
}

impl Model for Successor {
    fn features(&self, tokens: Tensor<3, Int>, _mode: Mode) -> Tensor<3> {
        let [batch, seq_len, _] = tokens.dims();
        let first = tokens.slice([0..batch, 0..1, 0..1]).float();
        first.repeat_dim(1, seq_len)
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        let next = features.int().add_scalar(1).remainder_scalar(self.vocab_size as i64);
        next.squeeze_dim::<1>(1).one_hot::<2>(self.vocab_size).float() * 1000.0
    }
}

#[test]
fn a_sample_sees_as_many_tokens_as_have_targets_in_training() {
    let task = Reverse { seq_len: 4, n_symbols: 25 };
    let model = Successor { vocab_size: 25 };
    // It sees 3 tokens: once four are there, the second of them is the first that it sees.
    let tokens = text(&model, &task, &[5], &Sampling::default(), 6).unwrap();
    assert_eq!(tokens, [6, 6, 6, 7, 7, 7]);
}

#[test]
fn each_token_falls_where_the_stream_of_the_sample_meets_the_probabilities() {
    let model = transformer(&Device::flex());
    for (seed, index, temperature) in [(0, 0, 1.0), (7, 3, 1.0), (1, 0, 0.4)] {
        let mut rng = stream(seed, Purpose::Samples, "chars", index);
        let mut expected = vec![2];
        for _ in 0..40 {
            let logits = last_logits(&model, &expected[expected.len().saturating_sub(4)..]);
            let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> =
                logits.iter().map(|logit| ((logit - highest) / temperature).exp()).collect();
            let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
            let met = weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            expected.push(met.unwrap() as u32);
        }
        let sampling = Sampling { temperature, seed, index, ..Sampling::default() };
        assert_eq!(text(&model, &REVERSE, &[2], &sampling, 40).unwrap(), expected[1..]);
    }
}

#[test]
fn a_text_at_a_temperature_of_zero_or_of_one_token_goes_on_with_the_likeliest() {
    let model = transformer(&Device::flex());
    let mut expected = vec![0];
    for _ in 0..20 {
        expected.push(argmax(&last_logits(&model, &expected[expected.len().saturating_sub(4)..])));
    }
    let hot = Sampling { temperature: 100.0, top_k: Some(1), seed: 5, index: 2 };
    for sampling in [Sampling::greedy(), hot] {
        assert_eq!(text(&model, &REVERSE, &[0], &sampling, 20).unwrap(), expected[1..]);
    }
}

#[test]
fn what_cannot_be_drawn_from_is_refused() {
    let device = Device::flex();
    let model = transformer(&device);
    for temperature in [-1.0, f64::NAN, f64::INFINITY] {
        let sampling = Sampling { temperature, ..Sampling::default() };
        let error = text(&model, &REVERSE, &[0], &sampling, 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("temperature must be at least 0 and finite, got {temperature}")
        );
        assert!(answer_input(&model, &REVERSE, &[0; 5], &sampling, &device).is_err());
    }
    let sampling = Sampling { top_k: Some(0), ..Sampling::default() };
    let error = text(&model, &REVERSE, &[0], &sampling, 1).unwrap_err();
    assert_eq!(error.to_string(), "top_k must be at least 1, got 0");
}

const DATES: Dates = Dates { first_year: 1987, last_year: 1987 };

#[test]
fn a_drawn_answer_is_one_of_its_index_whatever_is_drawn_beside_it() {
    let (device, model) = (Device::flex(), causal(&DATES));
    let sources: Vec<Vec<u32>> =
        ["3.3.1987", "April 1, 1987", "3.3.1987"].map(|source| DATES.input(source).unwrap()).to_vec();
    let drawn = |inputs: &[Vec<u32>], sampling: &Sampling| {
        draw_answers(&model, &DATES, inputs, sampling, &device).unwrap()
    };
    let sampling = Sampling { seed: 3, index: 4, ..Sampling::default() };
    let together = drawn(&sources, &sampling);
    for (at, (source, answer)) in sources.iter().zip(&together).enumerate() {
        let alone = drawn(std::slice::from_ref(source), &Sampling { index: 4 + at as u64, ..sampling });
        // Rounding may depend on how many rows a product has.
        assert_eq!(tokens(answer.clone()), tokens(alone[0].clone()));
        for drawn in answer {
            assert!((drawn.token as usize) < DATES.vocabulary().len() && drawn.log_probability < 0.0);
        }
    }
    assert_ne!(together[0], together[2]);
    assert_eq!(drawn(&sources, &sampling), together);
    // One that was not ended has no room left.
    let is_whole = |answer: &Vec<Drawn>| {
        answer.last().is_some_and(|last| last.token == DATES.end())
            || answer.len() == DATES.seq_len() - DATES.source_len()
    };
    assert!(together.iter().all(is_whole), "{together:?}");
    let greedy = drawn(&sources, &Sampling::greedy()).into_iter().map(tokens).collect::<Vec<_>>();
    assert_eq!(greedy, write_answers(&model, &DATES, &sources, &device));
}

#[test]
fn an_input_is_answered_at_every_position_that_is_asked() {
    let (device, model) = (Device::flex(), transformer(&Device::flex()));
    let input = [5, 0, 3, 1, 1];
    let answers = answer_input(&model, &REVERSE, &input, &Sampling::greedy(), &device).unwrap();
    let example = Example::new(&REVERSE, input.to_vec());
    let probe = Probe::new(&model, &REVERSE, &example, &device).unwrap();
    let vocabulary = REVERSE.vocabulary();
    let labels: Vec<&String> = answers.iter().map(|drawn| &vocabulary[drawn.token as usize]).collect();
    assert_eq!(labels, probe.labels.predictions.iter().collect::<Vec<_>>());
    let drawn = |seed| {
        let sampling = Sampling { temperature: 2.0, seed, ..Sampling::default() };
        answer_input(&model, &REVERSE, &input, &sampling, &device).unwrap()
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(tokens(drawn(1)), tokens(drawn(2)));
}

#[test]
fn the_rest_of_an_input_holds_the_answers_to_what_is_before() {
    let (device, task) = (Device::flex(), Copy { len: 4, n_symbols: 7 });
    let model = causal(&task);
    let answer = |input: &[u32], sampling: &Sampling| {
        tokens(answer_input(&model, &task, input, sampling, &device).unwrap())
    };
    for sampling in [Sampling::greedy(), Sampling { seed: 2, ..Sampling::default() }] {
        let written = answer(&[3, 1, 4, 1], &sampling);
        assert_eq!(written.len(), 4);
        // The same numbers of the stream meet the same probabilities where the answers stand in the input.
        let whole = [&[3, 1, 4, 1], &written[..3]].concat();
        assert_eq!(answer(&whole, &sampling), written);
        assert_eq!(answer(&whole[..5], &sampling), written);
    }
}

#[test]
fn what_a_model_may_write_of_an_input_is_what_is_asked_for_up_to_its_end() {
    for (task, settings, expected) in [
        ("reverse", &["task.seq_len=5"][..], 5),
        ("copy", &["task.len=4"], 4),
        ("sort", &["task.len=6"], 6),
        ("sorted-list", &["task.len=6"], 7),
        ("modular-addition", &[], 3),
        ("recall", &["task.n_pairs=3"], 6),
        ("recall-interleaved", &["task.n_pairs=3"], 9),
        // The longest part that is repeated takes half of the positions, and one more symbol says where it ends.
        ("induction", &["task.seq_len=10"], 6),
    ] {
        let experiment = Registry::new().read(ConfigSource::Task(task), settings).unwrap();
        assert_eq!(n_given(&*experiment.task, 0).unwrap(), expected, "{task}");
    }
}
