//! Dropout is a function of (seed, step, layer), is off when evaluating, and leaves the returned weights alone.

use burn::tensor::{Int, Tensor, TensorData};
use qkv_model::{CausalAlign, Dropout, Init, Mask, Mode, SelfAttentionConfig, Stage, TransformerConfig};

use crate::support::backends::{places, tolerance};
use crate::support::layers::{build, full, input, scaled_dot};
use crate::support::numbers::{assert_close, values};

const RATE: f64 = 0.3;
const STEP: Mode = Mode::Train { seed: 5, step: 2, first_example: 0 };

fn with_dropout() -> SelfAttentionConfig {
    SelfAttentionConfig { dropout: RATE, ..full(&scaled_dot()) }
}

#[test]
fn it_is_off_when_evaluating_and_at_rate_zero() {
    for place @ (device, _) in places() {
        let x = input(place);
        let init = Init::new(device, 1);
        let dropout = Dropout::new(&init, "d", RATE).unwrap();
        assert_eq!(values(&dropout.forward(x.clone(), Mode::Evaluate)), values(&x));
        let none = Dropout::new(&init, "d", 0.0).unwrap();
        assert_eq!(values(&none.forward(x.clone(), STEP)), values(&x));
        let mask = Mask::none();
        let [with, without] = [with_dropout(), full(&scaled_dot())].map(|config| build(place, &config));
        let evaluated = values(&with.forward(x.clone(), &mask, Mode::Evaluate));
        assert_eq!(evaluated, values(&without.forward(x.clone(), &mask, Mode::Evaluate)));
        assert_ne!(evaluated, values(&with.forward(x, &mask, STEP)));
    }
}

#[test]
fn seed_step_and_layer_determine_the_mask() {
    for place @ (device, _) in places() {
        let ones = Tensor::<2>::ones([101, 103], place);
        let init = Init::new(device, 1);
        let mask = |init: &Init, name: &str, seed, step| {
            let dropout = Dropout::new(init, name, RATE).unwrap();
            values(&dropout.forward(ones.clone(), Mode::Train { seed, step, first_example: 0 }))
        };
        let base = mask(&init, "weights", 5, 2);
        assert_eq!(mask(&init, "weights", 5, 2), base);
        // The seed that counts is the run's; the one that made the initial weights does not.
        assert_eq!(mask(&Init::new(device, 2), "weights", 5, 2), base);
        assert_ne!(mask(&init, "weights", 5, 3), base);
        assert_ne!(mask(&init, "weights", 6, 2), base);
        assert_ne!(mask(&init, "mlp", 5, 2), base);
        assert_ne!(mask(&init.enter("blocks"), "weights", 5, 2), base);
    }
}

#[test]
fn values_are_dropped_or_scaled_so_that_the_mean_is_kept() {
    for place @ (device, _) in places() {
        let ones = Tensor::<2>::ones([101, 103], place);
        for rate in [0.1, RATE, 0.9] {
            let dropout = Dropout::new(&Init::new(device, 1), "d", rate).unwrap();
            let values = values(&dropout.forward(ones.clone(), STEP));
            let kept = 1.0 / (1.0 - rate);
            assert!(values.iter().all(|value| *value == 0.0 || (value / kept - 1.0).abs() < 1e-7));
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            // Four standard errors of n draws.
            let error = 4.0 * (rate / (1.0 - rate) / n).sqrt();
            assert!((mean - 1.0).abs() < error, "rate {rate}: mean {mean}, {error} allowed");
        }
    }
}

#[test]
fn the_returned_weights_are_those_before_dropout() {
    for place in places() {
        let layer = build(place, &with_dropout());
        for mask in [Mask::none(), Mask::causal(CausalAlign::TopLeft)] {
            let output = |mode| layer.forward_with_weights(input(place), &mask, mode);
            let (trained, evaluated) = (output(STEP), output(Mode::Evaluate));
            assert_eq!(values(&trained.weights), values(&evaluated.weights));
            assert_ne!(values(&trained.output), values(&evaluated.output));
        }
    }
}

#[test]
fn a_call_that_returns_weights_drops_the_same_ones() {
    for place @ (_, dtype) in places() {
        let layer = build(place, &with_dropout());
        let x = input(place);
        let context = layer.forward(x.clone(), &Mask::none(), STEP);
        let output = layer.forward_with_weights(x, &Mask::none(), STEP);
        // The call with weights computes them all, the other one in tiles.
        let tolerance = tolerance(dtype, 1e-6, 1e-14);
        assert_close("context", &values(&context), &values(&output.output), tolerance);
    }
}

#[test]
fn a_training_step_repeats_itself_bit_for_bit_whatever_was_called_before() {
    for (device, dtype) in places() {
        let config =
            TransformerConfig { n_layers: 2, d_mlp: 11, dropout: RATE, ..TransformerConfig::new(13, 5, 7) };
        let model = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
        let tokens: Tensor<3, Int> =
            Tensor::from_data(TensorData::from([[[3_i64], [0], [7], [12], [5]]]), device);
        let at = |mode| values(&model.forward(tokens.clone(), mode));
        let first = at(STEP);
        assert_ne!(at(Mode::Train { seed: 5, step: 3, first_example: 0 }), first);
        assert_ne!(at(Mode::Evaluate), first);
        assert_eq!(at(STEP), first);
        assert_eq!(at(Mode::Evaluate), at(Mode::Evaluate));
    }
}

#[test]
fn a_hook_sees_the_model_with_its_dropout() {
    for (device, dtype) in places() {
        let config =
            TransformerConfig { dropout: 0.5, d_mlp: 11, w_o: true, ..TransformerConfig::new(5, 7, 6) };
        let model = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
        let tokens = || Tensor::zeros([3, 7, 1], device);
        let mut nothing = |_: usize, _: Stage, x: Tensor<4>| x;
        let [dropped, all] = [STEP, Mode::Evaluate].map(|mode| {
            let features = values(&model.features(tokens(), mode));
            // The fused kernels and the reference implementation, which a hook needs.
            let tolerance = tolerance(dtype, 1e-5, 1e-13);
            let hooked = values(&model.features_with(tokens(), mode, &mut nothing));
            assert_close("features", &hooked, &features, tolerance);
            features
        });
        assert_ne!(dropped, all);
    }
}
