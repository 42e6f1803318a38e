//! Matrix products, start values and sums of rows against loops.

use proptest::prelude::*;
use qkv_kernels::{Float, Matrix, start_rows, sum_rows, zeros};

use crate::numbers::{
    N_CASES, Random, assert_as_exact, assert_independent_of_threads, convert, distance, largest, product,
    random_cases, some,
};

/// `a [m, k]` times `b [k, n]`, row-major.
fn loops<T: Float>(a: &[T], b: &[T], [m, k, n]: [usize; 3]) -> Vec<T> {
    product([m, k, n], |i, l| a[i * k + l], |l, j| b[l * n + j])
}

fn transposed<T: Copy>(a: &[T], columns: usize) -> Vec<T> {
    (0..a.len()).map(|at| a[at % (a.len() / columns) * columns + at / (a.len() / columns)]).collect()
}

#[track_caller]
fn check(sizes @ [m, k, n]: [usize; 3]) {
    let mut random = Random::new((m * k * n) as u64);
    let (a, b) = (random.normal(m * k, 1.0), random.normal(k * n, 1.0));
    let start = random.normal(m * n, 1.0);
    let oracle = loops(&a, &b, sizes);
    let rough = loops::<f32>(&convert(&a), &convert(&b), sizes);
    let (single_a, single_b) = (convert::<f32>(&a), convert::<f32>(&b));
    let (a_t, b_t) = (transposed(&single_a, k), transposed(&single_b, n));
    let left = [Matrix::new(&single_a, k), Matrix::new(&a_t, m).transposed()];
    let right = [Matrix::new(&single_b, n), Matrix::new(&b_t, k).transposed()];
    // Products of numbers of size one: their sum's terms are as many.
    let terms = largest(&oracle) + (k as f64).sqrt();
    for (i, left) in left.into_iter().enumerate() {
        for (j, right) in right.into_iter().enumerate() {
            let what = format!("{sizes:?}, transposed {i} {j}");
            assert_as_exact(&what, 2.0, &left.times(right), &rough, &oracle, terms);
            let mut sum = convert::<f32>(&start);
            left.add_times(right, &mut sum);
            let with_start = |product: &[f64]| -> Vec<f64> {
                product.iter().zip(&start).map(|(product, start)| product + start).collect()
            };
            let rough: Vec<f32> = rough.iter().zip(&start).map(|(p, s)| p + *s as f32).collect();
            assert_as_exact(&what, 2.0, &sum, &rough, &with_start(&oracle), terms + largest(&start));
        }
    }
    let double = Matrix::new(&a, k).times(Matrix::new(&b, n));
    assert!(distance(&double, &oracle) <= 1e-13 * terms, "{sizes:?} in double precision");
}

#[test]
fn products_are_those_of_the_loops() {
    let sizes = [[1, 1, 1], [2, 3, 5], [17, 1, 13], [1, 97, 1], [61, 67, 71], [257, 31, 65], [64, 512, 48]];
    for sizes in some(&sizes, 1) {
        check(sizes);
    }
}

#[test]
fn nothing_to_sum_over_gives_zeros_and_no_rows_give_nothing() {
    let empty: [f32; 0] = [];
    assert_eq!(Matrix::new(&empty, 3).transposed().times(Matrix::new(&empty, 2)), [0.0; 6]);
    assert_eq!(Matrix::new(&empty, 3).times(Matrix::new(&[1.0; 6], 2)), empty);
}

#[test]
fn a_product_with_more_entries_than_memory_is_refused() {
    let empty: [f32; 0] = [];
    let tall = Matrix::new(&empty, 1 << (usize::BITS - 1)).transposed();
    assert!(std::panic::catch_unwind(|| tall.times(Matrix::new(&empty, 2))).is_err());
    assert!(std::panic::catch_unwind(|| tall.add_times(Matrix::new(&empty, 2), &mut [])).is_err());
}

#[test]
fn products_do_not_depend_on_the_number_of_threads() {
    // On both sides of the size from which several threads work on one product.
    for [m, k, n] in [[32, 32, 32], [190, 190, 190], [200, 200, 200], [1000, 64, 64], [128, 4000, 96]] {
        let mut random = Random::new(5);
        let a = convert::<f32>(&random.normal(m * k, 1.0));
        let b = convert::<f32>(&random.normal(k * n, 1.0));
        assert_independent_of_threads(|| Matrix::new(&a, k).times(Matrix::new(&b, n)));
    }
}

#[test]
fn nan_reaches_its_row_alone() {
    let mut a = vec![1.0_f32; 40 * 30];
    a[3 * 30 + 7] = f32::NAN;
    let product = Matrix::new(&a, 30).times(Matrix::new(&[1.0; 30 * 20], 20));
    for (i, value) in product.iter().enumerate() {
        assert_eq!(value.is_nan(), i / 20 == 3, "row {}", i / 20);
    }
}

#[test]
fn rows_start_at_the_residual_plus_the_bias() {
    assert_eq!(start_rows(&[1.0, 2.0, 3.0, 4.0], Some(&[10.0, 20.0])), [11.0, 22.0, 13.0, 24.0]);
    assert_eq!(start_rows(&[1.0, 2.0, 3.0], None), [1.0, 2.0, 3.0]);
    for n in [5, 30_000] {
        let mut random = Random::new(6);
        let (residual, bias) = (random.normal(n * 13, 1.0), random.normal(13, 1.0));
        let expected: Vec<f64> = residual.iter().enumerate().map(|(i, x)| x + bias[i % 13]).collect();
        assert_independent_of_threads(|| start_rows(&residual, Some(&bias)));
        assert_eq!(start_rows(&residual, Some(&bias)), expected);
    }
}

#[test]
fn zeros_are_zeros_for_any_number_of_threads() {
    for n in [0, 1, 16_385, 1_000_003] {
        assert_independent_of_threads(|| zeros::<f32>(n));
        assert_eq!(zeros::<f64>(n), vec![0.0; n]);
    }
}

proptest! {
    #![proptest_config(random_cases(N_CASES))]

    #[test]
    fn any_shape_gives_the_product(m in 1_usize..90, k in 1_usize..90, n in 1_usize..90) {
        check([m, k, n]);
    }

    #[test]
    fn sums_of_rows_are_those_of_the_loops(n in 0_usize..3000, d in 1_usize..40) {
        let x = Random::new(7).normal(n * d, 1.0);
        let mut sums = vec![0.0; d];
        for (i, x) in x.iter().enumerate() {
            sums[i % d] += x;
        }
        // Another order of at most 3000 terms of size one.
        prop_assert!(distance(&sum_rows(&x, d), &sums) < 1e-11);
    }
}
