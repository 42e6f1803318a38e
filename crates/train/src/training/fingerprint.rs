//! Numbers by which processes find that they do not begin alike.

use std::fmt::Debug;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use qkv_model::random::fnv1a;

use super::observer::State;
use crate::error::TrainError;
use crate::task::{Corpus, Split, Task, draw};

/// How many examples of each split tell tasks apart: two that hold out other inputs agree in the first often, in so many
/// never.
const N_EXAMPLES: u64 = 16;

/// The same for the same settings.
pub(super) fn of_settings(settings: &impl Debug) -> u64 {
    fnv1a(format!("{settings:?}").as_bytes())
}

/// The same for the same task, also where its text has another path.
///
/// # Errors
/// If an example cannot be drawn.
pub(super) fn of_task(task: &dyn Task, seed: u64) -> Result<u64, TrainError> {
    let data = task.corpus().map(Corpus::resolved_settings).and_then(|mut data| data.remove("fingerprint"));
    let shape = (task.seq_len(), task.stack(), task.target_kind());
    // Labels alone change nothing that is computed: a run that goes on keeps its own.
    let n_tokens = task.vocabulary().len();
    let mut hashes = vec![of_settings(&(shape, n_tokens, task.slices(), data))];
    for split in [Split::Train, Split::Validation, Split::Test] {
        for index in 0..N_EXAMPLES {
            hashes.push(of_settings(&draw(task, seed, split, index)?));
        }
    }
    Ok(of_all(&hashes))
}

/// The same for the same step, weights and state of the optimizer, bit for bit.
pub(super) fn of_state<M: Module>(state: &State<M>) -> u64 {
    let mut hashes = Hashes(vec![state.step, state.optimizer.step]);
    state.model.visit(&mut hashes);
    for (path, tensors) in &state.optimizer.tensors {
        hashes.0.push(fnv1a(path.as_bytes()));
        hashes.0.extend(tensors.iter().map(|(_, tensor)| of_tensor(tensor)));
    }
    of_all(&hashes.0)
}

fn of_all(hashes: &[u64]) -> u64 {
    fnv1a(&hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect::<Vec<u8>>())
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
