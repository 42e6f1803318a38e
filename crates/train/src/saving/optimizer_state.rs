//! What the optimizer remembers, on disk: without it, a resumed run would take other steps than an uninterrupted one.
//!
//! After the first step the file has the whole state of every learned parameter: zeros for one that has never received
//! a gradient, from which its first update starts anyway. So a file that lacks one is not whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};
use qkv_run::tensor_names::of_optimizer;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::layout::{Place, layout};
use crate::error::{TrainError, counted};
use crate::model::Model;
use crate::training::{Optimizer, OptimizerState, ParameterInfo, Roles, StateTensor, StateTensors};

/// Which tensors a file has to have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    /// None: no step was made yet.
    None,
    /// Those of every learned parameter.
    All,
    /// Some: before there were manifests, a parameter that had never received a gradient was left out.
    Some {
        /// Steps before.
        step: u64,
    },
}

/// The file at `path` with every tensor of the state as `PATH.NAME`.
pub(super) fn state_to_bytes(state: &OptimizerState, path: &Path) -> Result<Vec<u8>, TrainError> {
    let mut tensors: BTreeMap<String, (Dtype, usize, Vec<u8>)> = BTreeMap::new();
    for (parameter, of_parameter) in &state.tensors {
        for (name, tensor) in of_parameter.iter() {
            let (dtype, bytes) = bytes(tensor.to_data());
            tensors.insert(of_optimizer(parameter, name), (dtype, tensor.dims()[0], bytes));
        }
    }
    let views = tensors.iter().map(|(name, (dtype, n, bytes))| {
        (name.as_str(), TensorView::new(*dtype, vec![*n], bytes).expect("as many bytes as the shape has"))
    });
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata))
        .map_err(|error| TrainError::Weights { path: path.to_owned(), reason: error.to_string() })
}

/// A file with the state of an optimizer.
pub(super) struct Saved<'a> {
    pub bytes: &'a [u8],
    pub path: &'a Path,
    /// The name of the optimizer, where the checkpoint has one.
    pub made_by: Option<&'a str>,
}

/// Loads what `optimizer` remembers of `model`'s learned parameters.
pub(super) fn load_state<M: Model + Module>(
    model: &M,
    optimizer: &dyn Optimizer,
    Saved { bytes, path, made_by }: Saved<'_>,
    expected: Expected,
    device: &Device,
) -> Result<BTreeMap<String, StateTensors>, TrainError> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| TrainError::NotSafetensors { path: path.to_owned(), reason: error.to_string() })?;
    let unfit = |reason: String| TrainError::Weights { path: path.to_owned(), reason };
    let of_another = |reason: String| TrainError::AnotherOptimizer {
        path: path.to_owned(),
        made_by: made_by.map(str::to_owned),
        reason,
    };
    let device = device.clone().without_autodiff();
    let mut learned = layout(model, &Roles::of(model));
    learned.retain(|place| place.learned);
    let mut state = BTreeMap::new();
    let mut names = HashSet::new();
    for Place { parameter, dtype, .. } in &learned {
        let tensors = optimizer.state(parameter);
        let own: Vec<String> =
            tensors.iter().map(|tensor| of_optimizer(&parameter.path, tensor.name)).collect();
        let mut of_parameter = StateTensors::zeros(optimizer, parameter, (&device, *dtype));
        let is_there = own.iter().any(|name| file.tensor(name).is_ok());
        match expected {
            Expected::All => {}
            Expected::Some { .. } if is_there => {}
            Expected::None => continue,
            Expected::Some { .. } => {
                state.insert(parameter.path.clone(), of_parameter);
                continue;
            }
        }
        for (StateTensor { name, n }, full) in tensors.into_iter().zip(&own) {
            let view = file.tensor(full).map_err(|_| match others(&file, parameter, &own) {
                others if others.is_empty() => unfit(format!("it lacks `{full}`")),
                others => of_another(format!("it lacks `{full}`, and has {}", others.join(", "))),
            })?;
            if view.shape() != [n] {
                return Err(unfit(format!("`{full}` must have shape [{n}], got {:?}", view.shape())));
            }
            if view.dtype() != dtype_of(*dtype) {
                let (expected, got) = (dtype_of(*dtype), view.dtype());
                return Err(unfit(format!("`{full}` must hold {expected}, got {got}")));
            }
            let tensor = Tensor::from_data(data(view.dtype(), view.data()), (&device, *dtype));
            of_parameter.put(name, tensor);
        }
        names.extend(own);
        state.insert(parameter.path.clone(), of_parameter);
    }
    if let Some(surplus) = file.names().into_iter().find(|name| !names.contains(*name)) {
        let of = surplus.rsplit_once('.').map(|(path, _)| path);
        let is_learned = learned.iter().any(|place| of == Some(&place.parameter.path));
        return Err(match expected {
            Expected::None => unfit(format!("it has `{surplus}`, no step was made before")),
            _ if is_learned => of_another(format!("it has `{surplus}`")),
            _ => unfit(format!("it has `{surplus}`, that is of no learned parameter of the model")),
        });
    }
    let keeps_any = learned.iter().any(|place| !optimizer.state(&place.parameter).is_empty());
    match expected {
        Expected::Some { step } if names.is_empty() && keeps_any => {
            Err(unfit(format!("it remembers nothing of the {} before", counted(step as usize, "step"))))
        }
        _ => Ok(state),
    }
}

/// What a file has of a parameter that is not the optimizer's `own`, in alphabetical order.
fn others(file: &SafeTensors<'_>, parameter: &ParameterInfo, own: &[String]) -> Vec<String> {
    let is_of_it = |name: &str| name.rsplit_once('.').is_some_and(|(path, _)| path == parameter.path);
    let others = file.names().into_iter().filter(|name| is_of_it(name) && !own.iter().any(|own| own == name));
    let mut others: Vec<String> = others.map(|name| format!("`{name}`")).collect();
    others.sort_unstable();
    others
}

fn bytes(data: TensorData) -> (Dtype, Vec<u8>) {
    match dtype_of(data.dtype()) {
        Dtype::F64 => (Dtype::F64, data.iter::<f64>().flat_map(f64::to_le_bytes).collect()),
        dtype => (dtype, data.iter::<f32>().flat_map(f32::to_le_bytes).collect()),
    }
}

/// The state is in double precision, or in single.
fn dtype_of(dtype: DType) -> Dtype {
    if dtype == DType::F64 { Dtype::F64 } else { Dtype::F32 }
}

fn data(dtype: Dtype, bytes: &[u8]) -> TensorData {
    if dtype == Dtype::F64 {
        let values: Vec<f64> = bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
        return TensorData::from(values.as_slice());
    }
    let values: Vec<f32> = bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    TensorData::from(values.as_slice())
}
