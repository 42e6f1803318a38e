//! What the optimizer remembers, on disk: without it, a resumed run would take other steps than an uninterrupted one.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use qkv_model::{Parameter, parameters};
use qkv_run::tensor_names::{FIRST_MOMENT, SECOND_MOMENT};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::TrainError;
use crate::training::Moments;

/// The file at `path` with the moments of every parameter as `PATH.m` and `PATH.v`, flattened.
pub(crate) fn moments_to_bytes(
    moments: &BTreeMap<String, Moments>,
    path: &Path,
) -> Result<Vec<u8>, TrainError> {
    let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, Moments { m, v }) in moments {
        for (which, tensor) in [(FIRST_MOMENT, m), (SECOND_MOMENT, v)] {
            let (dtype, bytes) = bytes(tensor.to_data());
            tensors.push((format!("{name}{which}"), dtype, tensor.dims().to_vec(), bytes));
        }
    }
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        (
            name.as_str(),
            TensorView::new(*dtype, shape.clone(), bytes).expect("as many bytes as the shape has"),
        )
    });
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata))
        .map_err(|error| TrainError::Weights { path: path.to_owned(), reason: error.to_string() })
}

/// Loads the moments of `model`'s learned parameters from the bytes of the file at `path`. One that has never received a gradient has none; after the first
/// step that cannot be all of them.
pub(crate) fn load_moments<M: Module>(
    model: &M,
    bytes: &[u8],
    path: &Path,
    step: u64,
    device: &Device,
) -> Result<BTreeMap<String, Moments>, TrainError> {
    let device = device.clone().without_autodiff();
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| TrainError::NotSafetensors { path: path.to_owned(), reason: error.to_string() })?;
    let unfit = |reason: String| TrainError::Weights { path: path.to_owned(), reason };
    let mut moments = BTreeMap::new();
    let learned: Vec<Parameter> =
        parameters(model).into_iter().filter(|parameter| parameter.learned).collect();
    let has = |name: &str, which: &str| file.tensor(&format!("{name}{which}")).is_ok();
    for parameter in &learned {
        if ![FIRST_MOMENT, SECOND_MOMENT].iter().any(|which| has(&parameter.path, which)) {
            continue;
        }
        let n: usize = parameter.shape.iter().product();
        let moment = |which: &str| -> Result<Tensor<1>, TrainError> {
            let name = format!("{}{which}", parameter.path);
            let view = file.tensor(&name).map_err(|_| unfit(format!("it lacks `{name}`")))?;
            if view.shape() != [n] {
                return Err(unfit(format!("`{name}` must have shape [{n}], got {:?}", view.shape())));
            }
            let data = data(view.dtype(), view.data())
                .ok_or_else(|| unfit(format!("`{name}` must hold F32 or F64, got {:?}", view.dtype())))?;
            let data = data.convert_dtype(parameter.data.dtype());
            Ok(Tensor::from_data(data, (&device, parameter.data.dtype())))
        };
        let both = Moments { m: moment(FIRST_MOMENT)?, v: moment(SECOND_MOMENT)? };
        moments.insert(parameter.path.clone(), both);
    }
    if file.len() != 2 * moments.len() {
        let (got, expected) = (file.len(), 2 * moments.len());
        return Err(unfit(format!(
            "it has {got} tensors, {expected} of them of the model's learned parameters"
        )));
    }
    if step > 0 && moments.is_empty() && !learned.is_empty() {
        return Err(unfit(format!("it remembers nothing of the {step} steps before")));
    }
    Ok(moments)
}

fn bytes(data: TensorData) -> (Dtype, Vec<u8>) {
    match data.dtype() {
        burn::tensor::DType::F64 => (Dtype::F64, data.iter::<f64>().flat_map(f64::to_le_bytes).collect()),
        _ => (Dtype::F32, data.iter::<f32>().flat_map(f32::to_le_bytes).collect()),
    }
}

fn data(dtype: Dtype, bytes: &[u8]) -> Option<TensorData> {
    match dtype {
        Dtype::F32 => {
            let values: Vec<f32> = bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            Some(TensorData::from(values.as_slice()))
        }
        Dtype::F64 => {
            let values: Vec<f64> = bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
            Some(TensorData::from(values.as_slice()))
        }
        _ => None,
    }
}
