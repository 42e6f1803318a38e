//! What the optimizer remembers, on disk: without it, a resumed run would take other steps than an uninterrupted one.
//!
//! After the first step the file has the moments of every learned parameter: zeros for one that has never received a
//! gradient, from which its first update starts anyway. So a file that lacks one is not whole.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};
use qkv_run::tensor_names::{FIRST_MOMENT, SECOND_MOMENT};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::layout::{Place, layout};
use crate::error::{TrainError, counted};
use crate::training::{Moments, State};

/// Which moments a file has to have.
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

/// The file at `path` with the moments of every learned parameter of `state` as `PATH.m` and `PATH.v`, flattened;
/// before the first step it has none.
pub(super) fn moments_to_bytes<M: Module>(state: &State<M>, path: &Path) -> Result<Vec<u8>, TrainError> {
    let mut tensors: BTreeMap<String, (Dtype, usize, Vec<u8>)> = BTreeMap::new();
    for (name, Moments { m, v }) in &state.optimizer.moments {
        for (which, tensor) in [(FIRST_MOMENT, m), (SECOND_MOMENT, v)] {
            let (dtype, bytes) = bytes(tensor.to_data());
            tensors.insert(format!("{name}{which}"), (dtype, tensor.dims()[0], bytes));
        }
    }
    let places = if state.step > 0 { layout(&state.model) } else { Vec::new() };
    for Place { path, n, dtype, .. } in places.into_iter().filter(|place| place.learned) {
        for which in [FIRST_MOMENT, SECOND_MOMENT] {
            let zeros = || (dtype_of(dtype), n, vec![0; n * dtype.size()]);
            tensors.entry(format!("{path}{which}")).or_insert_with(zeros);
        }
    }
    let views = tensors.iter().map(|(name, (dtype, n, bytes))| {
        (name.as_str(), TensorView::new(*dtype, vec![*n], bytes).expect("as many bytes as the shape has"))
    });
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata))
        .map_err(|error| TrainError::Weights { path: path.to_owned(), reason: error.to_string() })
}

/// Loads the moments of `model`'s learned parameters from the bytes of the file at `path`.
pub(super) fn load_moments<M: Module>(
    model: &M,
    bytes: &[u8],
    path: &Path,
    expected: Expected,
    device: &Device,
) -> Result<BTreeMap<String, Moments>, TrainError> {
    let device = device.clone().without_autodiff();
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| TrainError::NotSafetensors { path: path.to_owned(), reason: error.to_string() })?;
    let unfit = |reason: String| TrainError::Weights { path: path.to_owned(), reason };
    let mut learned = layout(model);
    learned.retain(|place| place.learned);
    let has = |name: &str, which: &str| file.tensor(&format!("{name}{which}")).is_ok();
    let mut moments = BTreeMap::new();
    for Place { path, n, dtype, .. } in &learned {
        let is_there = [FIRST_MOMENT, SECOND_MOMENT].iter().any(|which| has(path, which));
        match expected {
            Expected::All => {}
            Expected::Some { .. } if is_there => {}
            Expected::None | Expected::Some { .. } => continue,
        }
        let moment = |which: &str| -> Result<Tensor<1>, TrainError> {
            let name = format!("{path}{which}");
            let view = file.tensor(&name).map_err(|_| unfit(format!("it lacks `{name}`")))?;
            if view.shape() != [*n] {
                return Err(unfit(format!("`{name}` must have shape [{n}], got {:?}", view.shape())));
            }
            if view.dtype() != dtype_of(*dtype) {
                let (expected, got) = (dtype_of(*dtype), view.dtype());
                return Err(unfit(format!("`{name}` must hold {expected}, got {got}")));
            }
            Ok(Tensor::from_data(data(view.dtype(), view.data()), (&device, *dtype)))
        };
        let both = Moments { m: moment(FIRST_MOMENT)?, v: moment(SECOND_MOMENT)? };
        moments.insert(path.clone(), both);
    }
    let is_known = |name: &str| {
        let path = name.strip_suffix(FIRST_MOMENT).or_else(|| name.strip_suffix(SECOND_MOMENT));
        path.is_some_and(|path| moments.contains_key(path))
    };
    if let Some(surplus) = file.names().into_iter().find(|name| !is_known(name)) {
        let why = match expected {
            Expected::None => "no step was made before",
            Expected::All | Expected::Some { .. } => "that is of no learned parameter of the model",
        };
        return Err(unfit(format!("it has `{surplus}`, {why}")));
    }
    match expected {
        Expected::Some { step } if moments.is_empty() && !learned.is_empty() => {
            Err(unfit(format!("it remembers nothing of the {} before", counted(step as usize, "step"))))
        }
        _ => Ok(moments),
    }
}

fn bytes(data: TensorData) -> (Dtype, Vec<u8>) {
    match dtype_of(data.dtype()) {
        Dtype::F64 => (Dtype::F64, data.iter::<f64>().flat_map(f64::to_le_bytes).collect()),
        dtype => (dtype, data.iter::<f32>().flat_map(f32::to_le_bytes).collect()),
    }
}

/// Moments are in double precision, or in single.
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
