//! A safetensors file of any origin as numbers by their names, for weights that another program made.
//!
//! Runs and checkpoints are read elsewhere, with their manifests.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{TensorData, bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors};

use crate::error::ModelError;

/// The tensors of a safetensors file, such as a `state_dict` of PyTorch that `safetensors.torch.save_file` wrote, by
/// their names. Those of 16 bits become [`f32`], which has each of their values; what has no floating-point type of
/// 16, 32 or 64 bits is left out.
///
/// # Errors
/// If the file cannot be read or is no safetensors file; the message has its path.
///
/// ```
/// use qkv_model::read_safetensors;
///
/// let header = r#"{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#;
/// let numbers = [0.5_f32, -2.0].map(f32::to_le_bytes).concat();
/// let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &numbers].concat();
/// let path = std::env::temp_dir().join(format!("read-{}.safetensors", std::process::id()));
/// std::fs::write(&path, file)?;
///
/// let weights = read_safetensors(&path)?;
/// assert_eq!(weights["w"].to_vec::<f32>().unwrap(), [0.5, -2.0]);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_safetensors(path: impl AsRef<Path>) -> Result<BTreeMap<String, TensorData>, ModelError> {
    let path = path.as_ref();
    let failed = |reason: String| ModelError::WeightFile { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| failed(error.to_string()))?;
    let mut weights = BTreeMap::new();
    for (name, tensor) in file.iter() {
        let (bytes, shape) = (tensor.data(), tensor.shape().to_vec());
        let data = match tensor.dtype() {
            Dtype::F64 => TensorData::new(numbers(bytes, f64::from_le_bytes), shape),
            Dtype::F32 => TensorData::new(numbers(bytes, f32::from_le_bytes), shape),
            Dtype::F16 => TensorData::new(numbers(bytes, |b| f16::from_le_bytes(b).to_f32()), shape),
            Dtype::BF16 => TensorData::new(numbers(bytes, |b| bf16::from_le_bytes(b).to_f32()), shape),
            _ => continue,
        };
        weights.insert(name.to_owned(), data);
    }
    Ok(weights)
}

fn numbers<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (numbers, _) = bytes.as_chunks();
    numbers.iter().map(|bytes| number(*bytes)).collect()
}
