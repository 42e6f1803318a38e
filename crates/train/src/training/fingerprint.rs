//! Numbers by which processes find that they do not begin alike.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use qkv_model::random::fnv1a;

use super::observer::State;
use crate::config::Recipe;

/// The same for the same settings.
pub(super) fn of_recipe(recipe: &Recipe) -> u64 {
    fnv1a(format!("{recipe:?}").as_bytes())
}

/// The same for the same step, weights and state of the optimizer, bit for bit.
pub(super) fn of_state<M: Module>(state: &State<M>) -> u64 {
    let mut hashes = Hashes(vec![state.step, state.optimizer.step]);
    state.model.visit(&mut hashes);
    for (path, tensors) in &state.optimizer.tensors {
        hashes.0.push(fnv1a(path.as_bytes()));
        hashes.0.extend(tensors.iter().map(|(_, tensor)| of_tensor(tensor)));
    }
    fnv1a(&hashes.0.into_iter().flat_map(u64::to_le_bytes).collect::<Vec<u8>>())
}

struct Hashes(Vec<u64>);

impl ModuleVisitor for Hashes {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(of_tensor(&param.val()));
    }
}

fn of_tensor<const D: usize>(tensor: &Tensor<D>) -> u64 {
    fnv1a(tensor.to_data().as_bytes())
}
