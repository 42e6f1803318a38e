//! Initial weights are a function of the seed and of each parameter's own path and shape, and of nothing else.

use burn::tensor::DType;
use qkv_model::{
    Choice, EmbeddingsConfig, Init, MaskConfig, NormConfig, Parameter, Projection, Projections, Training,
    TransformerConfig, parameters,
};

use crate::support::backends::{device, places};
use crate::support::layers::{additive, dot};
use crate::support::numbers::values;
use crate::support::parameters::assert_same;

fn config() -> TransformerConfig {
    TransformerConfig {
        n_heads: 3,
        n_layers: 2,
        d_k: Some(5),
        d_v: Some(7),
        d_mlp: 11,
        w_o: true,
        bias: true,
        score: additive(13),
        positions: Choice::new("learned"),
        ..TransformerConfig::new(17, 19, 23)
    }
}

fn weights(config: &TransformerConfig, init: &Init) -> Vec<Parameter> {
    parameters(&config.init(init).unwrap())
}

/// Layer norms start at one and zero, whatever the seed.
fn is_random(parameter: &Parameter) -> bool {
    !parameter.path.contains("norm")
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for (device, dtype) in places() {
        let init = || Init::new(device, 7).with_dtype(dtype);
        assert_same("seed 7", &config().init(&init()).unwrap(), &config().init(&init()).unwrap());
    }
}

#[test]
fn another_seed_gives_other_bytes_in_every_random_parameter() {
    for (device, dtype) in places() {
        let of_seed = |seed| weights(&config(), &Init::new(device, seed).with_dtype(dtype));
        for (first, second) in of_seed(7).iter().zip(&of_seed(8)) {
            assert_eq!(first.data != second.data, is_random(first), "{}", first.path);
        }
    }
}

#[test]
fn no_two_parameters_of_one_shape_start_alike() {
    let device = device();
    let all = weights(&config(), &Init::new(&device, 7));
    for (idx, first) in all.iter().enumerate().filter(|(_, first)| is_random(first)) {
        for second in &all[idx + 1..] {
            assert_ne!(first.data, second.data, "{} and {}", first.path, second.path);
        }
    }
}

#[test]
fn the_place_in_the_tree_matters() {
    let device = device();
    let init = Init::new(&device, 7);
    let at = |init: &Init| values(&init.uniform("w_q", [3, 5], 1.0, Training::Learned).val());
    let [first, second] = ["0", "1"].map(|block| at(&init.enter("blocks").enter(block).enter("attention")));
    assert_ne!(first, second);
    assert_ne!(first, at(&init));
    let joined = init.enter("blocks.0.attention");
    assert_eq!(joined.path_of("w_q"), "blocks.0.attention.w_q");
    assert_eq!(first, at(&joined));
}

#[test]
fn single_precision_is_rounded_double_precision() {
    let device = device();
    let single = weights(&config(), &Init::new(&device, 7));
    let double = weights(&config(), &Init::new(&device, 7).with_dtype(DType::F64));
    for (single, double) in single.iter().zip(&double) {
        assert_eq!(single.data.dtype(), DType::F32, "{}", single.path);
        assert_eq!(double.data.dtype(), DType::F64, "{}", double.path);
        let rounded: Vec<f32> = double.data.iter::<f64>().map(|value| value as f32).collect();
        let single_values: Vec<f32> = single.data.iter().collect();
        assert_eq!(single_values, rounded, "{}", single.path);
        let is_rounded = double.data.iter::<f64>().all(|value| value == f64::from(value as f32));
        assert_eq!(is_rounded, !is_random(double), "{}", double.path);
    }
}

#[test]
fn w_q_does_not_change_with_any_setting_but_its_own_shape() {
    let base = config();
    let others = [
        TransformerConfig { n_layers: 5, ..base.clone() },
        TransformerConfig { vocab_size: 29, ..base.clone() },
        TransformerConfig { seq_len: 31, ..base.clone() },
        TransformerConfig { d_v: Some(2), ..base.clone() },
        TransformerConfig { d_mlp: 0, ..base.clone() },
        TransformerConfig { projections: Projections::all(Projection::Frozen), ..base.clone() },
        TransformerConfig { bias: false, ..base.clone() },
        TransformerConfig { score: dot(), ..base.clone() },
        TransformerConfig { mask: MaskConfig::Causal.into(), ..base.clone() },
        TransformerConfig { positions: Choice::new("none"), ..base.clone() },
        TransformerConfig { embeddings: EmbeddingsConfig::Fixed, ..base.clone() },
        TransformerConfig { norm: NormConfig::None, ..base.clone() },
        TransformerConfig { tied: true, ..base.clone() },
        TransformerConfig { dropout: 0.5, ..base.clone() },
    ];
    let device = device();
    let w_q = |config: &TransformerConfig| {
        weights(config, &Init::new(&device, 7))
            .into_iter()
            .find(|parameter| parameter.path == "blocks.1.attention.w_q")
            .map(|parameter| parameter.data)
            .unwrap()
    };
    let expected = w_q(&base);
    for other in &others {
        assert_eq!(w_q(other), expected, "{other:?}");
    }
}

#[test]
fn matrices_start_within_one_over_the_root_of_their_fan_in() {
    let device = device();
    for parameter in weights(&config(), &Init::new(&device, 7)) {
        let fan_in: f64 = match parameter.path.rsplit('.').next().unwrap() {
            "w_q" | "w_k" | "w_v" | "b_q" | "b_k" | "b_v" | "w_in" | "b_in" | "unembedding" => 23.0,
            "w_o" | "b_o" => 21.0,
            "w_out" | "b_out" => 11.0,
            "w_a" | "u_a" => 5.0,
            "v_a" => 13.0,
            _ => continue,
        };
        let bound = 1.0 / fan_in.sqrt();
        let values: Vec<f64> = parameter.data.iter::<f64>().collect();
        let top = crate::support::module_gradients::largest(&values);
        assert!(top <= bound && top > 0.7 * bound, "{}: {top}, bound {bound}", parameter.path);
    }
}

#[test]
fn normal_values_have_mean_zero_and_the_given_deviation() {
    let device = device();
    let values = values(&Init::new(&device, 7).normal("table", [101, 103], 0.5, Training::Learned).val());
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    // Four standard errors of 10,403 values: 0.5 / √n · 4 and, for the deviation, that over √2.
    assert!(mean.abs() < 0.02, "mean {mean}");
    assert!((deviation - 0.5).abs() < 0.014, "deviation {deviation}");
}
