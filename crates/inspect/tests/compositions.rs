//! Composition scores against the norms of products as nested loops.

use proptest::prelude::*;
use qkv_inspect::{Circuit, CompositionKind, HeadWeights, LayerWeights, compositions};

use crate::draw::{layer, matrix, rows};
use crate::loops::{Rows, norm, product, transposed};

/// `[w_q, w_k, w_v, w_o]` of a head in a stream as wide as `d_model`.
fn head(d_model: usize) -> impl Strategy<Value = [Rows; 4]> {
    (1..4usize, 1..4usize).prop_flat_map(move |(d_k, d_v)| {
        [
            rows(d_model, d_k).boxed(),
            rows(d_model, d_k).boxed(),
            rows(d_model, d_v).boxed(),
            rows(d_v, d_model).boxed(),
        ]
    })
}

fn two_heads() -> impl Strategy<Value = [[Rows; 4]; 2]> {
    (2..7usize).prop_flat_map(|d_model| [head(d_model).boxed(), head(d_model).boxed()])
}

fn layer_of([w_q, w_k, w_v, w_o]: &[Rows; 4]) -> LayerWeights {
    let [w_q, w_k, w_v, w_o] = [w_q, w_k, w_v, w_o].map(|rows| Some(matrix(rows)));
    layer(HeadWeights { w_q, w_k, w_v, w_o, ..HeadWeights::default() })
}

fn ratio(a: &Rows, b: &Rows) -> f64 {
    norm(&product(a, b)) / (norm(a) * norm(b))
}

/// `[OV, QK]`
fn circuits([w_q, w_k, w_v, w_o]: &[Rows; 4]) -> [Rows; 2] {
    [product(w_v, w_o), product(w_q, &transposed(w_k))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn scores_are_the_ratios_of_the_norms(heads in two_heads()) {
        let [[writes, _], [hands_on, looks]] = heads.each_ref().map(circuits);
        // Products near zero have no direction to speak of.
        prop_assume!([&writes, &hands_on, &looks].iter().all(|m| norm(m) > 1e-3));
        let layers: Vec<LayerWeights> = heads.iter().map(layer_of).collect();
        let found = compositions(&layers, 1);
        prop_assert_eq!(found.len(), 3);
        for composition in found {
            let expected = match composition.kind {
                CompositionKind::Query => ratio(&writes, &looks),
                CompositionKind::Key => ratio(&writes, &transposed(&looks)),
                CompositionKind::Value => ratio(&writes, &hands_on),
            };
            let score = composition.score;
            prop_assert!((score - expected).abs() < 1e-9, "{composition:?} is not {expected}");
            prop_assert!((0.0..=1.0).contains(&score));
            let baseline = composition.baseline;
            prop_assert!(baseline.mean > 0.0 && baseline.mean < 1.0 && baseline.deviation > 0.0);
        }
    }

    #[test]
    fn the_size_of_the_matrices_does_not_matter(heads in two_heads(), up in -150..150i32, down in -150..150i32) {
        let [[writes, _], [hands_on, _]] = heads.each_ref().map(circuits);
        prop_assume!(norm(&writes) > 1e-3 && norm(&hands_on) > 1e-3);
        let circuit = |[_, _, w_v, w_o]: &[Rows; 4], power: i32| {
            let scaled: Rows = w_v.iter().map(|row| row.iter().map(|x| x * 10f64.powi(power)).collect()).collect();
            Circuit::new(matrix(&scaled), matrix(w_o)).unwrap()
        };
        let score = |up, down| circuit(&heads[0], up).composition(&circuit(&heads[1], down)).unwrap();
        let (plain, scaled) = (score(0, 0).unwrap(), score(up, down).unwrap());
        prop_assert!((plain - scaled).abs() < 1e-9, "{plain} became {scaled}");
    }
}
