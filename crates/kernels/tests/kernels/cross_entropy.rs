//! Cross-entropy against its definition.

use proptest::prelude::*;
use qkv_kernels::{CrossEntropySaved, Float, cross_entropy_backward, cross_entropy_forward};

use crate::numbers::{
    N_CASES, Random, assert_as_exact, assert_gradient, assert_independent_of_threads, at_every_level,
    convert, distance, largest, panic_message, random_cases, some,
};

fn fused<T: Float>(logits: &[f64], targets: &[i64], d_loss: f64) -> (T, Vec<T>) {
    let logits = convert::<T>(logits);
    let nan = T::from_f64(f64::NAN);
    let mut normalizer = vec![nan; targets.len() * 2];
    let loss = cross_entropy_forward(&logits, targets, &mut normalizer);
    let mut d_logits = vec![nan; logits.len()];
    let saved = CrossEntropySaved { logits: &logits, targets, normalizer: &normalizer };
    cross_entropy_backward(saved, T::from_f64(d_loss), &mut d_logits);
    (loss, d_logits)
}

fn naive<T: Float>(logits: &[f64], targets: &[i64], d_loss: f64) -> (T, Vec<T>) {
    let vocab = logits.len() / targets.len();
    let number = T::from_f64;
    let exp = |x: T| number(x.to_f64().exp());
    let (mut loss, mut d_logits) = (T::ZERO, vec![]);
    let n = number(targets.len() as f64);
    for (x, &target) in convert::<T>(logits).chunks(vocab).zip(targets) {
        let max = x.iter().fold(T::NEG_INFINITY, |m, &x| if x > m { x } else { m });
        let mut sum = T::ZERO;
        x.iter().for_each(|&x| sum += exp(x - max));
        loss += sum.ln() - (x[target as usize] - max);
        for (c, &x) in x.iter().enumerate() {
            let hit = if c == target as usize { T::ONE } else { T::ZERO };
            d_logits.push((exp(x - max) / sum - hit) * number(d_loss) / n);
        }
    }
    (loss / n, d_logits)
}

#[track_caller]
fn check(n: usize, vocab: usize, size: f64) {
    let mut random = Random::new((n * 1000 + vocab) as u64);
    let logits = random.normal(n * vocab, size);
    let targets: Vec<i64> = (0..n).map(|_| random.below(vocab) as i64).collect();
    let oracle = naive::<f64>(&logits, &targets, 1.7);
    let rough = naive::<f32>(&logits, &targets, 1.7);
    at_every_level(|level| {
        let what = format!("{n} × {vocab} of size {size} at {level:?}");
        let ours = fused::<f32>(&logits, &targets, 1.7);
        let terms = oracle.0.abs().max(size);
        assert_as_exact(&what, 2.0, &[ours.0], &[rough.0], &[oracle.0], terms);
        assert_as_exact(&what, 3.0, &ours.1, &rough.1, &oracle.1, largest(&oracle.1).max(1.7 / n as f64));
        let ours = fused::<f64>(&logits, &targets, 1.7);
        assert!((ours.0 - oracle.0).abs() <= 1e-13 * terms, "{what}");
        assert!(distance(&ours.1, &oracle.1) <= 1e-14, "{what}");
    });
}

#[test]
fn every_shape_gives_the_loss_and_its_gradient() {
    for n in some(&[1, 2, 31, 257], 2) {
        for vocab in [1, 2, 7, 10, 16, 17, 32, 64, 65, 331] {
            check(n, vocab, 1.0);
        }
    }
    check(if cfg!(debug_assertions) { 503 } else { 5003 }, 13, 1.0);
}

#[test]
fn huge_and_tiny_logits_stay_exact() {
    for size in [1e-20, 1e-5, 50.0, 3000.0] {
        check(41, 37, size);
    }
}

#[test]
fn nan_and_infinity_go_where_the_equations_send_them() {
    let mut logits = vec![0.5; 3 * 20];
    logits[3] = f64::NAN;
    logits[20 + 17] = f64::INFINITY;
    logits[40 + 19] = f64::NEG_INFINITY;
    at_every_level(|level| {
        let (loss, d_logits) = fused::<f32>(&logits, &[0, 1, 2], 1.0);
        assert!(loss.is_nan());
        assert!(d_logits[..40].iter().all(|x| x.is_nan()), "{level:?}");
        assert!(d_logits[40..].iter().all(|x| x.is_finite()), "{level:?}");
        assert_eq!(d_logits[59], 0.0);
        assert_eq!(fused::<f32>(&logits[40..], &[19], 1.0).0, f32::INFINITY);
    });
}

#[test]
fn the_gradient_agrees_with_central_differences() {
    let mut random = Random::new(8);
    let logits = random.normal(5 * 7, 2.0);
    let targets = [0, 6, 3, 3, 1];
    let gradient = fused::<f64>(&logits, &targets, 1.0).1;
    assert_gradient("d_logits", &logits, &gradient, 1e-9, |x| fused::<f64>(x, &targets, 1.0).0);
}

#[test]
fn no_rows_have_no_mean() {
    assert!(cross_entropy_forward::<f32>(&[], &[], &mut []).is_nan());
}

#[test]
fn a_target_outside_the_vocabulary_is_named_with_its_place() {
    for target in [-1, 3, i64::MAX] {
        let message = panic_message(|| fused::<f32>(&[0.0; 6], &[0, target], 1.0));
        assert_eq!(message, format!("targets[1] is {target}, expected 0..3"));
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for (n, vocab) in [(20, 65), (8001, 61)] {
        let mut random = Random::new(4);
        let logits = random.normal(n * vocab, 3.0);
        let targets: Vec<i64> = (0..n).map(|_| random.below(vocab) as i64).collect();
        assert_independent_of_threads(|| fused::<f32>(&logits, &targets, 1.0));
    }
}

proptest! {
    #![proptest_config(random_cases(N_CASES))]

    #[test]
    fn any_shape_gives_the_loss_and_its_gradient(n in 1_usize..100, vocab in 1_usize..100, size in 0.01..20.0_f64) {
        check(n, vocab, size);
    }
}
