//! A factored circuit against its product as nested loops.

use proptest::prelude::*;
use qkv_inspect::{Circuit, HeadWeights, Matrix};

use crate::draw::{assert_close, layer, loops, matrix, rows};
use crate::loops::{Rows, determinant, norm, product, trace, transposed};

/// `left`, `right` with any widths, wide and tall.
fn factors() -> impl Strategy<Value = (Rows, Rows)> {
    (1..8usize, 1..6usize, 1..8usize).prop_flat_map(|(n, r, m)| (rows(n, r), rows(r, m)))
}

fn square_factors() -> impl Strategy<Value = (Rows, Rows)> {
    (1..8usize, 1..6usize).prop_flat_map(|(n, r)| (rows(n, r), rows(r, n)))
}

fn square() -> impl Strategy<Value = Rows> {
    (1..8usize).prop_flat_map(|n| rows(n, n))
}

fn circuit(left: &Rows, right: &Rows) -> Circuit {
    Circuit::new(matrix(left), matrix(right)).unwrap()
}

/// `Σ λ^power`, real because eigenvalues come in pairs, and `Π λ`.
fn power_sum_and_product(of: &qkv_inspect::Eigenvalues, power: i32) -> (f64, f64) {
    let mut sum = 0.0;
    let (mut re, mut im) = (1.0, 0.0);
    for value in of.values() {
        sum += value.magnitude().powi(power) * (f64::from(power) * value.im.atan2(value.re)).cos();
        (re, im) = (re * value.re - im * value.im, re * value.im + im * value.re);
    }
    (sum, re)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_head_has_the_circuits_of_its_matrices((w_q, w_k) in (1..8usize, 1..6usize).prop_flat_map(|(n, r)| (rows(n, r), rows(n, r))),
                                               (w_v, w_o) in factors()) {
        let head = HeadWeights {
            w_q: Some(matrix(&w_q)),
            w_k: Some(matrix(&w_k)),
            w_v: Some(matrix(&w_v)),
            w_o: Some(matrix(&w_o)),
            ..HeadWeights::default()
        };
        let layer = layer(head);
        assert_eq!(layer.qk(0).unwrap().product().axes(), ["d_in of the query", "d_in of the key"]);
        assert_close(&loops(&layer.qk(0).unwrap().product()), &product(&w_q, &transposed(&w_k)), 32.0);
        assert_close(&loops(&layer.ov(0).unwrap().product()), &product(&w_v, &w_o), 32.0);
    }

    #[test]
    fn norm_and_singular_values_are_those_of_the_product((left, right) in factors()) {
        let whole = product(&left, &right);
        let circuit = circuit(&left, &right);
        prop_assert!((circuit.norm() - norm(&whole)).abs() < 1e-12 * norm(&left) * norm(&right) + 1e-300);
        let (factored, formed) = (circuit.spectrum().unwrap(), matrix(&whole).spectrum().unwrap());
        assert_close(&vec![factored.values().to_vec()], &vec![formed.values().to_vec()], 32.0);
    }

    #[test]
    fn products_may_be_taken_in_any_order((left, right) in factors(), more in (1..6usize, 1..8usize)) {
        let columns = right[0].len();
        let (inputs, outputs) = (vec![vec![0.5; left.len()]; more.0], vec![vec![-1.5; more.1]; columns]);
        let circuit = circuit(&left, &right);
        let whole = product(&product(&inputs, &product(&left, &right)), &outputs);
        let first = circuit.of_inputs(&matrix(&inputs)).unwrap().onto_outputs(&matrix(&outputs)).unwrap();
        let last = circuit.onto_outputs(&matrix(&outputs)).unwrap().of_inputs(&matrix(&inputs)).unwrap();
        let size = 1e3 * (1.0 + norm(&whole));
        assert_close(&loops(&first.product()), &whole, size);
        assert_close(&loops(&last.product()), &whole, size);
        assert_close(&loops(&first.transpose().product()), &transposed(&whole), size);
    }

    #[test]
    fn one_circuit_after_the_other_is_the_product_of_both((a, b) in factors(), (c, d) in factors()) {
        let bridge = vec![vec![1.0; c.len()]; b[0].len()];
        let c = product(&bridge, &c);
        let both = circuit(&a, &b).then(&circuit(&c, &d)).unwrap();
        let whole = product(&product(&a, &b), &product(&c, &d));
        assert_close(&loops(&both.product()), &whole, 1e4);
        prop_assert!(both.factors()[0].columns() <= b.len().max(d.len()));
        prop_assert_eq!(both.factors()[0].columns(), b.len().min(d.len()));
    }

    #[test]
    fn eigenvalues_agree_with_trace_and_determinant(a in square()) {
        let found = matrix(&a).eigenvalues().unwrap();
        let (sum, all) = power_sum_and_product(&found, 1);
        // Sums and products of the eigenvalues are polynomials of the matrix and well conditioned, whatever each one
        // is.
        let size = norm(&a).max(1.0);
        prop_assert!((sum - trace(&a)).abs() < 1e-10 * size, "{sum} is not {}", trace(&a));
        let bound = 1e-10 * size.powi(a.len() as i32);
        prop_assert!((all - determinant(&a)).abs() < bound, "{all} is not {}", determinant(&a));
        let (squares, _) = power_sum_and_product(&found, 2);
        prop_assert!((squares - trace(&product(&a, &a))).abs() < 1e-10 * size * size);
        prop_assert_eq!(found.values().len(), a.len());
        prop_assert!(found.values().windows(2).all(|v| v[0].magnitude() >= v[1].magnitude() - 1e-9 * size));
        prop_assert!(found.copying_score().is_none_or(|share| (-1.0..=1.0).contains(&share)));
    }

    #[test]
    fn a_circuit_has_the_eigenvalues_of_its_product((left, right) in square_factors()) {
        let whole = product(&left, &right);
        let found = circuit(&left, &right).eigenvalues().unwrap();
        prop_assert_eq!(found.values().len(), whole.len());
        let size = (norm(&left) * norm(&right)).max(1.0);
        let mut power = whole.clone();
        // The first n power sums determine n eigenvalues.
        for k in 1..=whole.len() as i32 {
            let (sum, _) = power_sum_and_product(&found, k);
            prop_assert!((sum - trace(&power)).abs() < 1e-9 * size.powi(k), "power {k}");
            power = product(&power, &whole);
        }
    }
}

#[test]
fn a_large_circuit_never_forms_its_product() {
    // 20,000 tokens: the product would take 3.2 GB.
    let tall = |seed: f64| {
        let values = (0..20_000 * 4).map(|i| ((i * i) as f64 * seed).sin()).collect();
        Matrix::new(20_000, 4, values).unwrap()
    };
    let right = Circuit::new(tall(0.7), Matrix::new(4, 1, vec![1.0; 4]).unwrap()).unwrap().transpose();
    let circuit = Circuit::new(tall(0.3), right.factors()[1].clone()).unwrap();
    assert_eq!((circuit.rows(), circuit.columns()), (20_000, 20_000));
    let spectrum = circuit.spectrum().unwrap();
    assert_eq!((spectrum.values().len(), spectrum.rank()), (20_000, 4));
    let squares: f64 = spectrum.values().iter().map(|x| x * x).sum();
    assert!((squares.sqrt() / circuit.norm() - 1.0).abs() < 1e-12);
    assert_eq!(circuit.eigenvalues().unwrap().values().len(), 20_000);
}
