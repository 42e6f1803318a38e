//! The state that several processes begin with, from the first to the others, in the form of a checkpoint's files.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;

use super::optimizer_state::{Expected, Saved, load_state, state_to_bytes};
use super::weights::{unchecked_from_bytes, weights_to_bytes};
use crate::error::TrainError;
use crate::model::Model;
use crate::processes::Processes;
use crate::training::{Optimizer, OptimizerState, State};

/// What messages call the bytes.
const WEIGHTS: &str = "what process 0 sent of its weights";
const STATE: &str = "what process 0 sent of its optimizer";

/// Before the bytes of both stand the two steps, whether no update was made, and the number of bytes of the weights.
const N_NUMBERS: usize = 4;

/// The state of the first process, on all of them: the others need no access to its checkpoints. Each gives a state of a
/// model of the same kind on its training device; what it holds counts on the first alone.
///
/// # Errors
/// If the models or the optimizers are of different kinds, or a process is lost.
pub fn share_state<M: Model + Module>(
    state: State<M>,
    optimizer: &dyn Optimizer,
    device: &Device,
    processes: &dyn Processes,
) -> Result<State<M>, TrainError> {
    if processes.size() == 1 {
        return Ok(state);
    }
    if processes.rank() == 0 {
        let OptimizerState { step, ref tensors } = state.optimizer;
        let weights = weights_to_bytes(&state.model, Path::new(WEIGHTS))?;
        let numbers = [state.step, step, tensors.is_empty().into(), weights.len() as u64];
        let mut bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
        bytes.extend(weights);
        bytes.extend(state_to_bytes(&state.optimizer, Path::new(STATE))?);
        processes.gather(bytes)?;
        return Ok(state);
    }
    let mut of_all = processes.gather(Vec::new())?;
    let bytes = of_all.swap_remove(0);
    let (numbers, files) = bytes.split_at_checked(N_NUMBERS * size_of::<u64>()).ok_or_else(cut_short)?;
    let mut numbers = numbers.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
    let [step, of_optimizer, is_new, n_weights] = [(); N_NUMBERS].map(|()| numbers.next().unwrap_or(0));
    let (weights, tensors) = files.split_at_checked(n_weights as usize).ok_or_else(cut_short)?;
    let model = unchecked_from_bytes(state.model, weights.to_vec(), Path::new(WEIGHTS))?;
    let file = Saved { bytes: tensors, path: Path::new(STATE), made_by: None };
    let expected = if is_new == 1 { Expected::None } else { Expected::All };
    let tensors = load_state(&model, optimizer, file, expected, device)?;
    Ok(State { step, model, optimizer: OptimizerState { step: of_optimizer, tensors } })
}

fn cut_short() -> TrainError {
    TrainError::Processes("what process 0 sent of its state is too short".to_owned())
}
