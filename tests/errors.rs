//! What cannot be built is refused with a sentence that has the numbers in it.

use burn::tensor::Device;
use qkv_model::{Dropout, Init, Projections, ScoreConfig, SelfAttentionConfig, TransformerConfig};

use crate::backends::devices;

fn init(device: &Device) -> Init {
    Init::new(device, 1)
}

#[track_caller]
fn check_attention(change: impl Fn(&mut SelfAttentionConfig), message: &str) {
    let mut config = SelfAttentionConfig::new(6, 2);
    change(&mut config);
    for device in devices() {
        let error = config.init(&init(&device)).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[track_caller]
fn check_transformer(change: impl Fn(&mut TransformerConfig), message: &str) {
    let mut config = TransformerConfig::new(11, 13, 6);
    config.w_o = true;
    change(&mut config);
    for device in devices() {
        let error = config.init(&init(&device)).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn an_attention_layer_without_a_dimension_is_refused() {
    check_attention(|c| c.d_in = 0, "d_in must be at least 1, got 0");
    check_attention(|c| c.d_k = 0, "d_k must be at least 1, got 0");
    check_attention(|c| c.d_v = 0, "d_v must be at least 1, got 0");
    check_attention(|c| c.n_heads = 0, "n_heads must be at least 1, got 0");
    check_attention(|c| c.d_out = Some(0), "d_out must be at least 1, got 0");
}

#[test]
fn a_transformer_without_a_dimension_is_refused() {
    check_transformer(|c| c.vocab_size = 0, "vocab_size must be at least 1, got 0");
    check_transformer(|c| c.seq_len = 0, "seq_len must be at least 1, got 0");
    check_transformer(|c| c.d_model = 0, "d_model must be at least 1, got 0");
    check_transformer(|c| c.n_heads = 0, "n_heads must be at least 1, got 0");
    check_transformer(|c| c.n_layers = 0, "n_layers must be at least 1, got 0");
    check_transformer(|c| c.d_k = Some(0), "d_k must be at least 1, got 0");
    check_transformer(|c| c.d_v = Some(0), "d_v must be at least 1, got 0");
}

#[test]
fn a_dropout_rate_outside_its_range_is_refused() {
    for (rate, got) in [(1.0, "1"), (1.5, "1.5"), (-0.25, "-0.25"), (f64::NAN, "NaN")] {
        let message = format!("dropout must be at least 0 and below 1, got {got}");
        check_attention(|c| c.dropout = rate, &message);
        check_transformer(|c| c.dropout = rate, &message);
        for device in devices() {
            let error = Dropout::new(&init(&device), "d", rate).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}

#[test]
fn a_scale_that_is_no_number_is_refused() {
    for (scale, got) in [(f64::INFINITY, "inf"), (f64::NAN, "NaN")] {
        let message = format!("scale must be a finite number, got {got}");
        check_attention(|c| c.score = ScoreConfig::ScaledBy(scale), &message);
        check_transformer(|c| c.score = ScoreConfig::ScaledBy(scale), &message);
    }
}

#[test]
fn an_additive_score_without_hidden_units_is_refused() {
    let message = "d_hidden must be at least 1, got 0";
    check_attention(|c| c.score = ScoreConfig::Additive(0), message);
    check_transformer(|c| c.score = ScoreConfig::Additive(0), message);
}

#[test]
fn heads_that_do_not_divide_the_width_are_refused_unless_their_size_is_given() {
    for n_heads in [4, 7] {
        let message = format!(
            "d_model = 6 is not a multiple of n_heads = {n_heads}; set d_k and d_v, or change one of the two"
        );
        check_transformer(|c| c.n_heads = n_heads, &message);
        check_transformer(|c| (c.n_heads, c.d_k) = (n_heads, Some(3)), &message);
        check_transformer(|c| (c.n_heads, c.d_v) = (n_heads, Some(3)), &message);
    }
    let config = TransformerConfig {
        n_heads: 4,
        d_k: Some(3),
        d_v: Some(5),
        w_o: true,
        ..TransformerConfig::new(11, 13, 6)
    };
    for device in devices() {
        assert!(config.init(&init(&device)).is_ok());
    }
}

#[test]
fn heads_that_do_not_fit_the_residual_stream_are_refused_without_w_o() {
    check_transformer(
        |c| (c.w_o, c.n_heads, c.d_k, c.d_v) = (false, 3, Some(2), Some(5)),
        "without w_o the heads' outputs are added to the residual stream as they are, so n_heads * d_v must equal \
         d_model = 6, got 3 * 5; set w_o = true or change d_v",
    );
}

#[test]
fn identity_projections_cannot_change_the_width() {
    let none = Projections::None;
    let message = |name: &str, size: usize| {
        format!(
            "projections = \"none\" hands the input through, so n_heads * {name} must equal the input width 6, \
             got 3 * {size}"
        )
    };
    check_attention(|c| (c.projections, c.n_heads, c.d_k) = (none, 3, 5), &message("d_k", 5));
    check_attention(|c| (c.projections, c.n_heads, c.d_v) = (none, 3, 5), &message("d_v", 5));
    check_transformer(|c| (c.projections, c.n_heads, c.d_k) = (none, 3, Some(5)), &message("d_k", 5));
    // With and without W_O.
    for w_o in [true, false] {
        check_transformer(
            |c| (c.projections, c.n_heads, c.d_v, c.w_o) = (none, 3, Some(5), w_o),
            &message("d_v", 5),
        );
    }
}

#[test]
fn identity_projections_have_no_biases() {
    let message = "projections = \"none\" has no matrices and therefore no biases; set bias = false";
    check_attention(|c| (c.projections, c.n_heads, c.bias) = (Projections::None, 3, true), message);
    check_transformer(|c| (c.projections, c.bias) = (Projections::None, true), message);
}

#[test]
fn resolving_refuses_what_building_refuses() {
    let good = TransformerConfig::new(11, 13, 6);
    assert!(good.resolve().is_ok());
    let bad = [
        TransformerConfig { projections: Projections::None, bias: true, ..good.clone() },
        TransformerConfig { score: ScoreConfig::ScaledBy(f64::INFINITY), ..good.clone() },
        TransformerConfig { score: ScoreConfig::Additive(0), ..good.clone() },
    ];
    for device in devices() {
        for config in &bad {
            let built = config.init(&init(&device)).map(|_| ()).unwrap_err();
            assert_eq!(config.resolve().map(|_| ()), Err(built), "{config:?}");
        }
    }
}
