//! How a text goes on after a prompt.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use qkv_model::Mode;
use qkv_train::{Model, Reverse, Sampling, generate};

use crate::support::other_targets::{REVERSE, transformer};

#[test]
fn a_sample_is_a_function_of_seed_and_index_and_stays_in_the_vocabulary() {
    let device = Device::flex();
    let model = transformer(&device);
    // 40 tokens: several times as many as the model sees at once.
    let sample = |seed, index| {
        let sampling = Sampling { n_tokens: 40, seed, index, ..Sampling::default() };
        generate(&model, &REVERSE, &[0], &sampling, &device).unwrap()
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
    let sampling = Sampling { n_tokens: 6, ..Sampling::default() };
    // It sees 3 tokens: once four are there, the second of them is the first that it sees.
    let tokens = generate(&model, &task, &[5], &sampling, &Device::flex()).unwrap();
    assert_eq!(tokens, [6, 6, 6, 7, 7, 7]);
}

#[test]
fn a_temperature_of_zero_is_refused() {
    let device = Device::flex();
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let sampling = Sampling { temperature, ..Sampling::default() };
        let error = generate(&transformer(&device), &REVERSE, &[0], &sampling, &device).unwrap_err();
        let expected = format!("temperature must be above 0 and finite, got {temperature}");
        assert_eq!(error.to_string(), expected);
    }
}
