//! AdamW against PyTorch's formula, the norm and the sum against exact numbers.

use qkv_kernels::{AdamW, AdamWParameter, Decay, Float, global_norm, sum};

use crate::numbers::{
    Random, assert_as_exact, assert_independent_of_threads, at_every_level, convert, distance, largest, some,
};

const SIZES: [(usize, Decay); 5] =
    [(1, Decay::Off), (17, Decay::On), (0, Decay::On), (16_384, Decay::Off), (140_009, Decay::On)];

fn adam_w(step: u64) -> AdamW {
    AdamW {
        learning_rate: 3e-3,
        beta_1: 0.9,
        beta_2: 0.98,
        epsilon: 1e-8,
        weight_decay: 0.1,
        step,
        gradient_factor: 0.37,
    }
}

/// Weights, mean and mean square of a parameter.
type State<T> = [Vec<T>; 3];

/// Every parameter after some steps.
fn trained<T: Float>(update: impl Fn(AdamW, Vec<AdamWParameter<'_, T>>)) -> Vec<State<T>> {
    let mut random = Random::new(1);
    let mut states: Vec<State<T>> = SIZES
        .map(|(size, _)| [random.normal(size, 1.0), vec![0.0; size], vec![0.0; size]].map(|x| convert(&x)))
        .into();
    for step in 1..=7 {
        let gradients = SIZES.map(|(size, _)| convert(&random.normal(size, 10.0_f64.powi(step as i32 - 4))));
        let parameters = states.iter_mut().zip(&gradients).zip(SIZES);
        let parameters = parameters.map(|(([weights, mean, mean_square], gradient), (_, decay))| {
            AdamWParameter { weights, gradient, mean, mean_square, decay }
        });
        update(adam_w(step), parameters.collect());
    }
    states
}

fn fused<T: Float>() -> Vec<State<T>> {
    trained(|adam_w, parameters| {
        parameters.into_iter().for_each(|parameter| assert!(adam_w.update([parameter])))
    })
}

/// PyTorch's `_single_tensor_adamw`.
fn naive<T: Float>() -> Vec<State<T>> {
    trained(|adam_w, parameters: Vec<AdamWParameter<'_, T>>| {
        let number = T::from_f64;
        let step = adam_w.step as f64;
        let step_size = adam_w.learning_rate / (1.0 - adam_w.beta_1.powf(step));
        let root = (1.0 - adam_w.beta_2.powf(step)).sqrt();
        for AdamWParameter { weights, gradient, mean, mean_square, decay } in parameters {
            for i in 0..weights.len() {
                let g = gradient[i] * number(adam_w.gradient_factor);
                if decay == Decay::On {
                    weights[i] *= number(1.0 - adam_w.learning_rate * adam_w.weight_decay);
                }
                mean[i] = mean[i] + (g - mean[i]) * number(1.0 - adam_w.beta_1);
                mean_square[i] = mean_square[i] * number(adam_w.beta_2) + g * g * number(1.0 - adam_w.beta_2);
                let denominator = mean_square[i].sqrt() / number(root) + number(adam_w.epsilon);
                weights[i] -= number(step_size) * mean[i] / denominator;
            }
        }
    })
}

#[test]
fn the_update_is_the_one_of_pytorch() {
    let (oracle, rough) = (naive::<f64>(), naive::<f32>());
    at_every_level(|level| {
        for (((ours, ours_f64), rough), oracle) in
            fused::<f32>().iter().zip(fused::<f64>()).zip(&rough).zip(&oracle)
        {
            for part in 0..3 {
                let what = format!("part {part} of {} at {level:?}", ours[0].len());
                let terms = largest(&oracle[part]);
                assert_as_exact(&what, 2.0, &ours[part], &rough[part], &oracle[part], terms);
                assert!(distance(&ours_f64[part], &oracle[part]) <= 1e-14 * terms, "{what}");
            }
        }
    });
}

#[test]
fn all_parameters_at_once_are_each_one_alone() {
    assert_independent_of_threads(|| {
        let together: Vec<State<f32>> = trained(|adam_w, parameters| assert!(adam_w.update(parameters)));
        assert!(together == fused());
        together
    });
}

#[test]
fn nan_gradients_are_not_hidden() {
    let (mut w, mut m, mut v) = ([1.0_f32; 3], [0.0; 3], [0.0; 3]);
    let parameter = AdamWParameter {
        weights: &mut w,
        gradient: &[1.0, f32::NAN, -1.0],
        mean: &mut m,
        mean_square: &mut v,
        decay: Decay::Off,
    };
    assert!(!adam_w(1).update([parameter]), "a weight is NaN");
    assert!(w[0] < 1.0 && w[1].is_nan() && w[2] > 1.0);
}

#[test]
fn one_number_that_is_not_finite_is_found_wherever_it_stands() {
    // Lengths around every width of a vector; the longest has several chunks.
    for len in [1, 3, 4, 5, 8, 9, 16, 17, 33, 40_000] {
        at_every_level(|level| {
            let update = |states: &mut [Vec<f32>; 3]| {
                let [weights, mean, mean_square] = states;
                let (gradient, decay) = (vec![0.0; len], Decay::On);
                // Lanes beyond the end of a slice then compute 0 / 0.
                let adam_w = AdamW { epsilon: 0.0, ..adam_w(3) };
                let parameter = AdamWParameter { weights, gradient: &gradient, mean, mean_square, decay };
                level.run(|| adam_w.update([parameter]))
            };
            let states = || [1.0, 0.5, 0.25].map(|value| vec![value; len]);
            assert!(update(&mut states()), "{len} finite numbers at {level:?}");
            for part in 0..3 {
                for at in [0, len / 2, len - 1] {
                    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                        let mut states = states();
                        states[part][at] = bad;
                        assert!(!update(&mut states), "{bad} at {at} of {len} in part {part}, {level:?}");
                    }
                }
            }
        });
    }
}

#[test]
fn sums_and_norms_are_rounded_once_and_do_not_depend_on_threads_or_instructions() {
    for len in some(&[1_000_003, 0, 1, 15, 16_383, 16_385], 1) {
        let x: Vec<f32> = convert(&Random::new(len as u64).normal(len, 1.0));
        let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
        let square: f64 = x.iter().map(|&x| f64::from(x).powi(2)).sum();
        let portable =
            qkv_kernels::Level::available()[0].run(|| (sum(&x), global_norm(&[&x, &x[..len / 2]])));
        // n² · 2^-53 relative at most; here far less than half a unit of f32.
        assert!((f64::from(portable.0) - exact).abs() <= f64::from(f32::EPSILON) * exact.abs() + 1e-9);
        assert!(
            (global_norm(&[&x[..len / 3], &x[len / 3..]]) - square.sqrt()).abs() <= 1e-12 * square.sqrt()
        );
        assert_independent_of_threads(|| {
            let ours = (sum(&x), global_norm(&[&x, &x[..len / 2]]));
            assert_eq!(ours, portable);
            ours
        });
    }
    assert!(sum(&[1.0, f64::NAN]).is_nan());
    assert_eq!(sum(&[1.0, f64::INFINITY]), f64::INFINITY);
}
