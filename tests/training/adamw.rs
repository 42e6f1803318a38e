//! Our AdamW against one scalar at a time, and against Burn's.

use burn::module::{Module, Param};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{DType, Device, Tensor};
use qkv_model::parameters;
use qkv_train::{AdamW, ModuleUpdate, OptimizerState, Roles};

use crate::support::backends::{learning_places, tolerance};
use crate::support::numbers::{assert_close, random, random_tensor, values};

const N_STEPS: u64 = 10;

/// One parameter of each kind that an optimizer treats differently.
#[derive(Module, Debug)]
struct Weights {
    matrix: Param<Tensor<2>>,
    cube: Param<Tensor<3>>,
    vector: Param<Tensor<1>>,
    table: Param<Tensor<2>>,
    /// A map in a module of a name that sounds like a table.
    embedding: Inner,
    frozen: Param<Tensor<2>>,
    unused: Param<Tensor<2>>,
}

#[derive(Module, Debug)]
struct Inner {
    map: Param<Tensor<2>>,
}

impl Weights {
    fn new(place: (&Device, DType)) -> Self {
        let matrix = |label| Param::from_tensor(random_tensor(place, label, [3, 5]));
        Self {
            matrix: matrix("matrix"),
            cube: Param::from_tensor(random_tensor(place, "cube", [2, 3, 5])),
            vector: Param::from_tensor(random_tensor(place, "vector", [7])),
            table: matrix("table"),
            embedding: Inner { map: matrix("embedding") },
            frozen: matrix("frozen").set_require_grad(false),
            unused: matrix("unused"),
        }
    }

    /// `Σ c w + ½ Σ w²`, whose gradient is `c + w`.
    fn loss(&self) -> Tensor<1> {
        fn of<const D: usize>(w: &Param<Tensor<D>>) -> Tensor<1> {
            let w = w.val();
            let c = random_tensor((&w.device(), w.dtype()), "c", w.dims());
            ((w.clone().mul_scalar(0.5) + c) * w).sum()
        }
        of(&self.matrix)
            + of(&self.cube)
            + of(&self.vector)
            + of(&self.table)
            + of(&self.embedding.map)
            + of(&self.frozen)
    }
}

/// The paths of what decays.
const DECAYING: [&str; 3] = ["matrix", "cube", "embedding.map"];

/// Nothing as it is by default.
fn config() -> AdamW {
    AdamW { beta_1: 0.8, beta_2: 0.95, epsilon: 1e-3, weight_decay: 0.3 }
}

/// Another one at every step.
fn rate(step: u64) -> f64 {
    0.1 / (1 + step) as f64
}

/// Algorithm 2 of the paper for one number with gradient `c + w`.
fn by_hand(mut w: f64, c: f64, config: &AdamW, decay: f64) -> f64 {
    let AdamW { beta_1, beta_2, epsilon, .. } = *config;
    let (mut m, mut v) = (0.0, 0.0);
    for step in 0..N_STEPS {
        let g = c + w;
        m = beta_1 * m + (1.0 - beta_1) * g;
        v = beta_2 * v + (1.0 - beta_2) * g * g;
        let m_hat = m / (1.0 - beta_1.powi(step as i32 + 1));
        let v_hat = v / (1.0 - beta_2.powi(step as i32 + 1));
        w -= rate(step) * (m_hat / (v_hat.sqrt() + epsilon) + decay * w);
    }
    w
}

fn trained(place: (&Device, DType), optimizer: &AdamW) -> (Weights, OptimizerState) {
    let mut weights = Weights::new(place);
    let mut state = OptimizerState::default();
    for step in 0..N_STEPS {
        let grads = GradientsParams::from_grads(weights.loss().backward(), &weights);
        let roles = &Roles { tables: vec![weights.table.id], ..Roles::default() };
        let update = ModuleUpdate { optimizer, learning_rate: rate(step), clip: 0.0, roles };
        weights = update.apply(&mut state, weights, grads).unwrap().0;
    }
    (weights, state)
}

#[test]
fn ten_steps_are_those_of_one_scalar_at_a_time() {
    for place @ (_, dtype) in learning_places() {
        let start = parameters(&Weights::new(place));
        let (weights, _) = trained(place, &config());
        for (start, end) in start.iter().zip(parameters(&weights)) {
            let start_values: Vec<f64> = start.data.iter::<f64>().collect();
            let c: Vec<f64> = random("c", start_values.len());
            let decay = match end.path.as_str() {
                path if DECAYING.contains(&path) => 0.3,
                "vector" | "table" => 0.0,
                _ => {
                    assert_eq!(start.data, end.data, "{} must stay", end.path);
                    continue;
                }
            };
            let want: Vec<f64> =
                start_values.iter().zip(&c).map(|(w, c)| by_hand(*w, *c, &config(), decay)).collect();
            let got: Vec<f64> = end.data.iter::<f64>().collect();
            // Ten steps of a tenth, each with a few roundings.
            assert_close(&end.path, &got, &want, tolerance(dtype, 2e-6, 1e-14));
        }
    }
}

#[test]
fn it_remembers_every_learned_parameter_by_path() {
    for place in learning_places() {
        let (weights, state) = trained(place, &config());
        assert_eq!(state.step, N_STEPS);
        let paths: Vec<&str> = state.tensors.keys().map(String::as_str).collect();
        assert_eq!(paths, ["cube", "embedding.map", "matrix", "table", "unused", "vector"]);
        let names: Vec<&str> = state.tensors["cube"].iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["m", "v"]);
        assert_eq!(state.tensors["cube"].get("m").unwrap().dims(), [30]);
        // One that has never received a gradient has what its first update would start from.
        assert_eq!(
            state.tensors["unused"].get("v").unwrap().to_data().iter::<f64>().collect::<Vec<_>>(),
            [0.0; 15]
        );
        assert!(weights.matrix.is_require_grad() && !weights.frozen.is_require_grad());
        // The memory is no part of any graph.
        let mut tensors = state.tensors.values().flat_map(|of_parameter| of_parameter.iter());
        assert!(tensors.all(|(_, tensor)| !tensor.is_require_grad()));
    }
}

#[test]
fn the_bias_correction_counts_the_updates_of_the_model() {
    for place @ (_, dtype) in learning_places() {
        let optimizer = &AdamW { weight_decay: 0.0, ..config() };
        let update = ModuleUpdate { optimizer, learning_rate: 0.1, clip: 0.0, roles: &Roles::default() };
        let (mut weights, mut state) = (Weights::new(place), OptimizerState::default());
        let start = weights.matrix.val();
        // The matrix has its first gradient, of ones, in the second update.
        for of_matrix in [false, true] {
            let loss = if of_matrix { weights.matrix.val().sum() } else { weights.vector.val().sum() };
            let gradients = GradientsParams::from_grads(loss.backward(), &weights);
            weights = update.apply(&mut state, weights, gradients).unwrap().0;
        }
        // (1 - β) / (1 - β²) is 1 / (1 + β).
        let change = 0.1 / 1.8 / ((1.0 / 1.95_f64).sqrt() + 1e-3);
        let expected = values(&start).into_iter().map(|w| w - change).collect::<Vec<_>>();
        // A few roundings.
        assert_close("matrix", &values(&weights.matrix.val()), &expected, tolerance(dtype, 1e-6, 1e-14));
    }
}

#[test]
fn it_is_burns_where_both_decay() {
    for place in learning_places() {
        for weight_decay in [0.0, 0.3] {
            let config = AdamW { weight_decay, ..config() };
            let mut theirs = Weights::new(place);
            let mut burns = AdamWConfig::new()
                .with_beta_1(config.beta_1 as f32)
                .with_beta_2(config.beta_2 as f32)
                .with_epsilon(config.epsilon as f32)
                .with_weight_decay(weight_decay as f32)
                .init();
            for step in 0..N_STEPS {
                let grads = GradientsParams::from_grads(theirs.loss().backward(), &theirs);
                theirs = burns.step(rate(step), theirs, grads);
            }
            let (ours, _) = trained(place, &config);
            for (ours, theirs) in parameters(&ours).iter().zip(parameters(&theirs)) {
                // Burn's decays every parameter.
                if weight_decay == 0.0 || DECAYING.contains(&ours.path.as_str()) {
                    let [ours_values, theirs_values]: [Vec<f64>; 2] =
                        [&ours.data, &theirs.data].map(|data| data.iter::<f64>().collect());
                    // Burn keeps its numbers in single precision: 0.95 is 1e-8 off, which over ten steps of a tenth is
                    // 1e-6.
                    assert_close(&ours.path, &ours_values, &theirs_values, 2e-6);
                }
            }
        }
    }
}
