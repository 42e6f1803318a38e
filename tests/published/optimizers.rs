//! Every built-in optimizer for 100 updates, against the numbers of PyTorch's; of Lion, against the paper's algorithm.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData};
use qkv_model::{Choice, Parameter, parameters};
use qkv_train::{
    ModuleUpdate, OptimizerConfig, OptimizerState, Parts, PartsCatalog, Recipe, Roles, clip_factor,
};
use safetensors::SafeTensors;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::support::backends::{device, learning_places, tolerance};
use crate::support::numbers::assert_close;

const N_STEPS: usize = 100;
/// Steps between two records.
const EVERY: usize = 10;

/// The parameters of the script.
#[derive(Module, Debug)]
struct Weights {
    tall: Param<Tensor<2>>,
    wide: Param<Tensor<2>>,
    table: Param<Tensor<2>>,
    vector: Param<Tensor<1>>,
    square: Param<Tensor<2>>,
    output: Param<Tensor<2>>,
}

/// `function(start + 0.7 i)` for the i-th value.
fn numbers<const D: usize>(
    (device, dtype): (&Device, DType),
    function: fn(f64) -> f64,
    start: f64,
    shape: [usize; D],
) -> Tensor<D> {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|index| function(start + 0.7 * index as f64)).collect();
    Tensor::from_data(TensorData::new(values, shape), (device, dtype))
}

impl Weights {
    fn new(place: (&Device, DType)) -> Self {
        let matrix = |index, shape| Param::from_tensor(numbers(place, f64::cos, index, shape));
        Self {
            tall: matrix(0.0, [4, 3]),
            wide: matrix(1.0, [3, 5]),
            table: matrix(2.0, [5, 4]),
            vector: Param::from_tensor(numbers(place, f64::cos, 3.0, [3])),
            square: matrix(4.0, [3, 3]),
            output: matrix(5.0, [3, 4]),
        }
    }

    fn roles(&self) -> Roles {
        Roles { tables: vec![self.table.id], outputs: vec![self.output.id] }
    }

    /// `Σ c w + ½ Σ w²`.
    fn loss(&self, step: usize) -> Tensor<1> {
        fn of<const D: usize>(w: &Param<Tensor<D>>, step: usize) -> Tensor<1> {
            let w = w.val();
            let c = numbers((&w.device(), w.dtype()), f64::sin, 1.3 * step as f64, w.dims());
            ((w.clone().mul_scalar(0.5) + c) * w).sum()
        }
        let matrices = [&self.tall, &self.wide, &self.table, &self.square, &self.output];
        matrices.into_iter().fold(of(&self.vector, step), |sum, matrix| sum + of(matrix, step))
    }
}

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    lr: f64,
    clip: f64,
    settings: Map<String, Value>,
}

impl Case {
    fn parts(&self) -> Parts {
        let rule = Choice { name: self.name.clone(), settings: self.settings.clone() };
        let optimizer = OptimizerConfig { lr: self.lr, clip: self.clip, rule };
        Parts::new(Recipe { optimizer, ..Recipe::default() }).unwrap()
    }
}

const TRUTH: &[u8] = include_bytes!("../truth/optimizers.safetensors");

fn cases() -> BTreeMap<String, Case> {
    let (_, header) = SafeTensors::read_metadata(TRUTH).unwrap();
    serde_json::from_str(&header.metadata().as_ref().unwrap()["cases"]).unwrap()
}

/// A recorded tensor; of weights, one record after the other.
fn truth(name: &str) -> Vec<f64> {
    let file = SafeTensors::deserialize(TRUTH).unwrap();
    let view = file.tensor(name).unwrap();
    view.data().as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

/// The parameters after every tenth update.
fn records(case: &Case, place: (&Device, DType)) -> Vec<Vec<Parameter>> {
    let parts = case.parts();
    let (mut weights, mut state) = (Weights::new(place), OptimizerState::default());
    let mut records = Vec::new();
    for step in 0..N_STEPS {
        let gradients = GradientsParams::from_grads(weights.loss(step).backward(), &weights);
        let learning_rate = parts.learning_rate(1.0 - step as f64 / (2 * N_STEPS) as f64);
        let roles = &weights.roles();
        let update = ModuleUpdate { optimizer: &*parts.optimizer, learning_rate, clip: case.clip, roles };
        weights = update.apply(&mut state, weights, gradients).unwrap().0;
        if (step + 1).is_multiple_of(EVERY) {
            records.push(parameters(&weights));
        }
    }
    records
}

#[test]
fn a_hundred_updates_are_pytorchs() {
    for (name, case) in cases() {
        for place @ (_, dtype) in learning_places() {
            let records = records(&case, place);
            assert_eq!(records.len(), N_STEPS / EVERY);
            for (index, parameter) in records[0].iter().enumerate() {
                let got: Vec<f64> =
                    records.iter().flat_map(|record| record[index].data.iter::<f64>()).collect();
                let want = truth(&format!("{name}/{}", parameter.path));
                // A hundred updates of at most a tenth in single precision. The sign in Lion, and the polynomial of
                // Muon at small singular values, may amplify its roundings.
                let single = if ["lion", "muon"].contains(&&*case.name) { 2e-3 } else { 1e-5 };
                let tolerance = tolerance(dtype, single, 1e-10);
                assert_close(&format!("{name}: {} in {dtype:?}", parameter.path), &got, &want, tolerance);
            }
        }
    }
}

#[test]
fn every_built_in_optimizer_has_a_case_that_sets_everything() {
    let cases = cases();
    let catalog = PartsCatalog::default();
    let built_in: Vec<&str> = catalog.optimizer_names().collect();
    for is_clipped in [false, true] {
        let with = cases.values().filter(|case| (case.clip > 0.0) == is_clipped);
        let covered: BTreeSet<&str> = with.map(|case| case.name.as_str()).collect();
        assert_eq!(covered.into_iter().collect::<Vec<_>>(), built_in, "clipped: {is_clipped}");
    }
    for case in cases.values() {
        let filled_in = case.parts().recipe.optimizer.rule.settings;
        // What is left at its default has no other value in PyTorch.
        let open: Vec<&String> = filled_in.keys().filter(|key| !case.settings.contains_key(*key)).collect();
        assert!(open.iter().all(|key| *key == "newton_schulz_steps"), "{open:?}");
    }
}

#[test]
fn gradients_are_clipped_to_the_limit_and_pytorchs_to_a_millionth_of_the_norm_below_it() {
    let factors = truth("factors");
    let (rows, rest) = factors.as_chunks();
    assert!(rest.is_empty() && rows.len() == 4);
    for [norm, limit, of_pytorch] in rows {
        assert_close("PyTorch's factor", &[clip_factor(norm + 1e-6, *limit)], &[*of_pytorch], 1e-15);
    }
    // Norms of 6, 0.000003 and 2 against limits of 2, 0.000001 and 2; the last norm is below its limit.
    let ours = rows.iter().map(|[norm, limit, _]| clip_factor(*norm, *limit)).collect::<Vec<_>>();
    assert_close("our factors", &ours, &[1.0 / 3.0, 1.0 / 3.0, 1.0, 1.0], 1e-15);
    let of_pytorch = rows.iter().map(|[.., factor]| *factor).collect::<Vec<_>>();
    assert_close("PyTorch's", &of_pytorch, &[2.0 / 6.000001, 0.25, 2.0 / 2.000001, 1.0], 1e-15);
}

#[test]
fn the_state_of_muon_is_one_number_for_a_value_of_a_map_between_features_and_two_for_the_others() {
    let parts = cases()["muon"].parts();
    let weights = Weights::new((&device().autodiff(), DType::F32));
    let mut state = OptimizerState::default();
    let gradients = GradientsParams::from_grads(weights.loss(0).backward(), &weights);
    let roles = &weights.roles();
    let update = ModuleUpdate { optimizer: &*parts.optimizer, learning_rate: 0.1, clip: 0.0, roles };
    update.apply(&mut state, weights, gradients).unwrap();
    for (path, tensors) in &state.tensors {
        let names: Vec<&str> = tensors.iter().map(|(name, _)| name).collect();
        let is_map = ["tall", "wide", "square"].contains(&&**path);
        assert_eq!(names, if is_map { vec!["momentum"] } else { vec!["m", "v"] }, "{path}");
    }
}
