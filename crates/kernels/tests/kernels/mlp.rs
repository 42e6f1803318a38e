//! The MLP against the same thing made of loops and of the other kernels.

use proptest::prelude::*;
use qkv_kernels::{
    Float, GeluGradients, GeluMlp, GeluMlpGradients, GeluMlpOutput, GeluSaved, gelu_backward, gelu_forward,
};

use crate::numbers::{
    N_CASES, Random, assert_as_exact, assert_gradient, assert_independent_of_threads, at_every_level,
    convert, distance, largest, product, random_cases, some,
};

struct Case {
    x: Vec<f64>,
    residual: Vec<f64>,
    w_in: Vec<f64>,
    b_in: Vec<f64>,
    w_out: Vec<f64>,
    b_out: Vec<f64>,
    d_out: Vec<f64>,
}

/// `out`, then the gradients of `x`, `w_in`, `b_in`, `w_out` and `b_out`.
type Results<T> = [Vec<T>; 6];

const NAMES: [&str; 6] = ["out", "d_x", "d_w_in", "d_b_in", "d_w_out", "d_b_out"];

impl Case {
    fn new([n, d, d_hidden]: [usize; 3], size: f64) -> Self {
        let mut random = Random::new((n * d * d_hidden) as u64);
        Self {
            x: random.normal(n * d, size),
            residual: random.normal(n * d, size),
            w_in: random.normal(d * d_hidden, 1.0 / (d as f64).sqrt()),
            b_in: random.normal(d_hidden, 1.0),
            w_out: random.normal(d_hidden * d, 1.0 / (d_hidden as f64).sqrt()),
            b_out: random.normal(d, 1.0),
            d_out: random.normal(n * d, 1.0),
        }
    }

    fn fused<T: Float>(&self) -> Results<T> {
        let [w_in, b_in, w_out, b_out] =
            [&self.w_in, &self.b_in, &self.w_out, &self.b_out].map(|values| convert::<T>(values));
        let [x, residual, d_out] = [&self.x, &self.residual, &self.d_out].map(|values| convert::<T>(values));
        let mlp = GeluMlp { w_in: &w_in, b_in: &b_in, w_out: &w_out, b_out: &b_out };
        let GeluMlpOutput { out, hidden } = mlp.forward(&x, &residual);
        let GeluMlpGradients { d_x, d_w_in, d_b_in, d_w_out, d_b_out } = mlp.backward(&x, &hidden, &d_out);
        [out, d_x, d_w_in, d_b_in, d_w_out, d_b_out]
    }

    /// One array after the other, the products as loops; GELU is the kernel that has tests of its own.
    fn naive<T: Float>(&self) -> Results<T> {
        let [w_in, b_in, w_out, b_out] =
            [&self.w_in, &self.b_in, &self.w_out, &self.b_out].map(|values| convert::<T>(values));
        let [x, residual, d_out] = [&self.x, &self.residual, &self.d_out].map(|values| convert::<T>(values));
        let (d, d_hidden) = (b_out.len(), b_in.len());
        let n = x.len() / d;
        let hidden = product([n, d, d_hidden], |i, l| x[i * d + l], |l, j| w_in[l * d_hidden + j]);
        let active = gelu_forward(&hidden, &b_in);
        let mut out = product([n, d_hidden, d], |i, l| active[i * d_hidden + l], |l, j| w_out[l * d + j]);
        for (i, out) in out.iter_mut().enumerate() {
            *out += residual[i] + b_out[i % d];
        }
        let d_active = product([n, d, d_hidden], |i, l| d_out[i * d + l], |l, j| w_out[j * d + l]);
        let d_w_out = product([d_hidden, n, d], |i, l| active[l * d_hidden + i], |l, j| d_out[l * d + j]);
        let GeluGradients { d_x: d_hidden_rows, d_bias: d_b_in } =
            gelu_backward(GeluSaved { x: &hidden, bias: &b_in, d_out: &d_active });
        let d_x =
            product([n, d_hidden, d], |i, l| d_hidden_rows[i * d_hidden + l], |l, j| w_in[j * d_hidden + l]);
        let d_w_in = product([d, n, d_hidden], |i, l| x[l * d + i], |l, j| d_hidden_rows[l * d_hidden + j]);
        let d_b_out = product([1, n, d], |_, _| T::ONE, |l, j| d_out[l * d + j]);
        [out, d_x, d_w_in, d_b_in, d_w_out, d_b_out]
    }
}

#[track_caller]
fn check(sizes @ [n, _, d_hidden]: [usize; 3], size: f64) {
    let case = Case::new(sizes, size);
    at_every_level(|level| {
        let (oracle, rough) = (case.naive::<f64>(), case.naive::<f32>());
        let (ours, double) = (case.fused::<f32>(), case.fused::<f64>());
        // Of sums over rows or over the hidden layer, which are longer than their largest result shows.
        let terms = (n.max(d_hidden) as f64).sqrt();
        for (at, name) in NAMES.into_iter().enumerate() {
            let what = format!("{name} of {sizes:?} of size {size} at {level:?}");
            let terms = terms * (size + 1.0) + largest(&oracle[at]);
            let factor = if at == 0 { 2.0 } else { 3.0 };
            assert_as_exact(&what, factor, &ours[at], &rough[at], &oracle[at], terms);
            assert!(distance(&double[at], &oracle[at]) <= 1e-13 * terms, "{what} in double precision");
        }
    });
}

#[test]
fn every_shape_gives_the_mlp_and_its_gradients() {
    // One row, one column, primes, one block, several blocks, more blocks than parts.
    for sizes in some(&[[1, 1, 1], [1, 5, 7], [63, 3, 11], [65, 17, 5], [257, 8, 31], [4700, 3, 5]], 1) {
        check(sizes, 1.0);
    }
}

#[test]
fn large_and_tiny_inputs_stay_exact() {
    // Larger ones round away what GELU bends at, in every order of summation.
    for size in [1e-12, 1e-3, 10.0] {
        check([37, 13, 29], size);
    }
}

#[test]
fn no_rows_give_nothing_and_no_gradient() {
    let [out, d_x, d_w_in, ..] = Case::new([0, 3, 5], 1.0).fused::<f32>();
    assert_eq!((out.len(), d_x.len()), (0, 0));
    assert_eq!(d_w_in, [0.0; 15]);
}

#[test]
fn nan_reaches_its_row_alone() {
    let mut case = Case::new([70, 4, 6], 1.0);
    case.x[9] = f64::NAN;
    let [out, d_x, ..] = case.fused::<f32>();
    for (i, (out, d_x)) in out.iter().zip(&d_x).enumerate() {
        assert_eq!((out.is_nan(), d_x.is_nan()), (i / 4 == 2, i / 4 == 2), "row {}", i / 4);
    }
}

#[test]
fn gradients_agree_with_central_differences() {
    let case = Case::new([5, 3, 4], 1.0);
    let gradients = case.fused::<f64>();
    let loss =
        |case: &Case| -> f64 { case.fused::<f64>()[0].iter().zip(&case.d_out).map(|(y, g)| y * g).sum() };
    let fields: [fn(&mut Case) -> &mut Vec<f64>; 5] = [
        |case| &mut case.x,
        |case| &mut case.w_in,
        |case| &mut case.b_in,
        |case| &mut case.w_out,
        |case| &mut case.b_out,
    ];
    for (at, field) in fields.into_iter().enumerate() {
        let mut moved = Case::new([5, 3, 4], 1.0);
        let values = field(&mut moved).clone();
        assert_gradient(NAMES[at + 1], &values, &gradients[at + 1], 1e-8, |values| {
            let mut moved = Case::new([5, 3, 4], 1.0);
            *field(&mut moved) = values.to_vec();
            loss(&moved)
        });
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    // On both sides of the size from which several threads work, and with products that are shared by the threads for
    // which there is no block: of two blocks, and of one.
    for sizes in some(&[[40, 8, 16], [700, 16, 64], [1300, 24, 48], [768, 128, 160], [60, 400, 400]], 1) {
        let case = Case::new(sizes, 1.0);
        assert_independent_of_threads(|| case.fused::<f32>());
    }
}

proptest! {
    #![proptest_config(random_cases(N_CASES / 2))]

    #[test]
    fn any_shape_and_size(n in 1_usize..150, d in 1_usize..20, d_hidden in 1_usize..40, size in 0.01..4.0_f64) {
        check([n, d, d_hidden], size);
    }
}
