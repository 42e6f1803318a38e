//! Dimensions of which nothing can be built are refused with a sentence that has the numbers in it.

use qkv_model::{
    Catalog, Choice, Dropout, Init, Projection, Projections, SelfAttentionConfig, TransformerConfig,
};

use crate::support::backends::device;
use crate::support::layers::{additive, all_projections, scaled_by};

fn init() -> Init {
    Init::new(&device(), 1)
}

#[track_caller]
pub(super) fn check_attention(change: impl Fn(&mut SelfAttentionConfig), message: &str) {
    let mut config = SelfAttentionConfig::new(6, 2);
    change(&mut config);
    let error = config.init(&init()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[track_caller]
pub(super) fn check_transformer(change: impl Fn(&mut TransformerConfig), message: &str) {
    let mut config = TransformerConfig::new(11, 13, 6);
    config.w_o = true;
    change(&mut config);
    let error = config.init(&init()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), message);
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
        let error = Dropout::new(&init(), "d", rate).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_scale_that_is_no_number_is_refused() {
    for scale in [f64::INFINITY, f64::NAN] {
        let message = "score.scale: must have a value, and a number must be finite (of `scaled-dot`)";
        check_attention(|c| c.score = scaled_by(scale), message);
        check_transformer(|c| c.score = scaled_by(scale), message);
    }
}

#[test]
fn an_additive_score_without_hidden_units_is_refused() {
    let message = "score.d_hidden must be a whole number of at least 1, got 0; write score.d_hidden=32";
    check_attention(|c| c.score = additive(0), message);
    check_transformer(|c| c.score = additive(0), message);
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
    let mut given = TransformerConfig::new(11, 13, 6);
    (given.n_heads, given.d_k, given.d_v, given.w_o) = (4, Some(3), Some(5), true);
    assert!(given.init(&init()).is_ok());
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
    let none = Projections::all(Projection::None);
    let message = |name: &str, size: usize| {
        format!(
            "projections = \"none\" hands the input through, so n_heads * {name} must equal the input width 6, got \
             3 * {size}; change {name}, or set projections = \"learned\""
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
fn a_matrix_that_is_absent_alone_is_named_and_binds_no_width_but_its_own() {
    for projections in all_projections() {
        let init = |change: fn(&mut SelfAttentionConfig)| {
            let mut config =
                SelfAttentionConfig { n_heads: 3, projections, ..SelfAttentionConfig::new(6, 2) };
            change(&mut config);
            config.init(&init()).map(|_| ()).map_err(|error| error.to_string())
        };
        let [q, k, v] = projections.each().map(|each| each == Projection::None);
        assert_eq!(init(|_| {}), Ok(()), "{projections:?}");
        let (all, none) = (q && k && v, !q && !k && !v);
        let key = |matrix: &str| if all { "projections".to_owned() } else { format!("projections.{matrix}") };
        let width = |matrix: &str, name: &str| {
            let key = key(matrix);
            format!(
                "{key} = \"none\" hands the input through, so n_heads * {name} must equal the input width 6, got 3 * 5; \
                 change {name}, or set {key} = \"learned\""
            )
        };
        let d_k = match (q, k) {
            (true, _) => Err(width("w_q", "d_k")),
            (_, true) => Err(width("w_k", "d_k")),
            _ => Ok(()),
        };
        assert_eq!(init(|c| c.d_k = 5), d_k, "{projections:?}");
        assert_eq!(init(|c| c.d_v = 5), if v { Err(width("w_v", "d_v")) } else { Ok(()) }, "{projections:?}");
        // Queries have every head of their own, whatever the groups.
        let groups = match (k, v) {
            (false, false) => Ok(()),
            _ => {
                let key = key(if k { "w_k" } else { "w_v" });
                Err(format!(
                    "{key} = \"none\" hands the input through to every head, so n_kv_heads must equal n_heads = 3, got \
                     1; change n_kv_heads, or set {key} = \"learned\""
                ))
            }
        };
        assert_eq!(init(|c| c.n_kv_heads = Some(1)), groups, "{projections:?}");
        assert_eq!(init(|c| c.bias = true).is_ok(), !all, "{projections:?}");
        assert!(!none || init(|c| (c.d_k, c.d_v, c.n_kv_heads, c.bias) = (5, 7, Some(1), true)).is_ok());
    }
}

#[test]
fn identity_projections_have_no_biases() {
    let message = "projections = \"none\" has no matrices and therefore no biases; set bias = false";
    check_attention(
        |c| (c.projections, c.n_heads, c.bias) = (Projections::all(Projection::None), 3, true),
        message,
    );
    check_transformer(|c| (c.projections, c.bias) = (Projections::all(Projection::None), true), message);
}

#[test]
fn resolving_refuses_what_building_refuses() {
    let good = TransformerConfig::new(11, 13, 6);
    assert!(good.resolve(&Catalog::default()).is_ok());
    let bad = [
        TransformerConfig { projections: Projections::all(Projection::None), bias: true, ..good.clone() },
        TransformerConfig { score: scaled_by(f64::INFINITY), ..good.clone() },
        TransformerConfig { n_kv_heads: Some(2), ..good.clone() },
        TransformerConfig { softcap: f64::INFINITY, ..good.clone() },
    ];
    for config in &bad {
        let built = config.init(&init()).map(|_| ()).unwrap_err();
        assert_eq!(config.resolve(&Catalog::default()).map(|_| ()), Err(built), "{config:?}");
    }
}

#[test]
fn a_width_that_rope_cannot_pair_is_refused() {
    for d_k in [1, 3, 7] {
        let message = format!("rope turns pairs of components, so d_k must be even, got {d_k}");
        check_attention(|c| (c.d_k, c.positions) = (d_k, Choice::new("rope")), &message);
        check_transformer(|c| (c.d_k, c.positions) = (Some(d_k), Choice::new("rope")), &message);
    }
}

#[test]
fn a_base_of_rope_of_one_or_less_is_refused() {
    for (base, got) in [(1.0, "1"), (0.5, "0.5"), (0.0, "0"), (-3.0, "-3")] {
        let message = format!("base must be above 1 and finite, got {got}");
        check_attention(|c| c.positions = Choice::new("rope").with("base", base), &message);
        check_transformer(|c| c.positions = Choice::new("rope").with("base", base), &message);
    }
    let message = "positions.base: must have a value, and a number must be finite (of `rope`)";
    check_attention(|c| c.positions = Choice::new("rope").with("base", f64::NAN), message);
}

#[test]
fn slopes_of_alibi_that_are_none_or_too_few_are_refused() {
    for (slope, got) in [(-0.5, "-0.5"), (-3.0, "-3")] {
        let message = format!("slopes must be at least 0 and finite, got {got}");
        let positions = Choice::new("alibi").with("slopes", vec![slope]);
        check_attention(|c| c.positions = positions.clone(), &message);
        check_transformer(|c| c.positions = positions.clone(), &message);
    }
    for slopes in [vec![0.5], vec![0.5; 3]] {
        let message = format!(
            "slopes must be one for each of n_heads = 2 heads, or none for those of the paper, got {}",
            slopes.len()
        );
        let positions = Choice::new("alibi").with("slopes", slopes);
        check_attention(|c| (c.n_heads, c.positions) = (2, positions.clone()), &message);
        check_transformer(|c| (c.n_heads, c.positions) = (2, positions.clone()), &message);
    }
}

#[test]
fn groups_that_do_not_divide_the_heads_are_refused() {
    for n_kv_heads in [4, 5, 7, 12] {
        let message = format!("n_kv_heads must divide n_heads = 6, got {n_kv_heads}");
        check_attention(|c| (c.n_heads, c.n_kv_heads) = (6, Some(n_kv_heads)), &message);
        check_transformer(|c| (c.n_heads, c.n_kv_heads) = (6, Some(n_kv_heads)), &message);
    }
    let message = "n_kv_heads must be at least 1, got 0";
    check_attention(|c| c.n_kv_heads = Some(0), message);
    check_transformer(|c| c.n_kv_heads = Some(0), message);
}

#[test]
fn identity_projections_have_no_groups() {
    let message = "projections = \"none\" hands the input through to every head, so n_kv_heads must equal n_heads = 3, \
                   got 1; change n_kv_heads, or set projections = \"learned\"";
    check_attention(
        |c| (c.projections, c.n_heads, c.n_kv_heads) = (Projections::all(Projection::None), 3, Some(1)),
        message,
    );
    check_transformer(
        |c| (c.projections, c.n_heads, c.n_kv_heads) = (Projections::all(Projection::None), 3, Some(1)),
        message,
    );
}

#[test]
fn a_cap_that_bounds_nothing_sensible_is_refused() {
    for (softcap, got) in [(-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let message = format!("softcap must be a finite number of at least 0, which turns it off, got {got}");
        check_attention(|c| c.softcap = softcap, &message);
        check_transformer(|c| c.softcap = softcap, &message);
    }
}

#[test]
fn a_layer_of_too_many_parameters_is_refused_before_any_is_made() {
    let expected = "the number of parameters must be at most 1073741824, got 3298534883328";
    check_attention(|config| (config.d_in, config.d_k, config.d_v) = (1 << 20, 1 << 20, 1 << 20), expected);
}
