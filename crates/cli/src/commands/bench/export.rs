//! A workload as a file, so that another framework can make the same steps.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::Device;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use super::long::LongAttention;
use super::training::Training;
use super::workload::{LONG_D, LONG_HEADS, Long, Workload};

/// Steps whose losses go into the file.
const STEPS: usize = 5;

struct Array(String, Dtype, Vec<usize>, Vec<u8>);

/// Parameters before the first step, batches `tokens` and `targets` (`[pool, batch, seq_len]`), and the `losses` of the
/// first steps as JSON in the metadata.
pub fn training(workload: Workload, device: &Device, path: &Path) -> Result<()> {
    let mut training = Training::new(workload, device)?;
    let floats = |values: Vec<f32>| values.into_iter().flat_map(f32::to_le_bytes).collect();
    let mut arrays: Vec<Array> = training
        .parameters()
        .into_iter()
        .map(|(name, shape, values)| Array(name, Dtype::F32, shape, floats(values)))
        .collect();
    let shape = vec![training.pool.len(), workload.batch, workload.seq_len];
    for (which, name) in ["tokens", "targets"].into_iter().enumerate() {
        let bytes = training.pool.iter().flat_map(|batch| &batch[which]).flat_map(|id| id.to_le_bytes());
        arrays.push(Array(name.to_owned(), Dtype::I64, shape.clone(), bytes.collect()));
    }
    let losses: Vec<f64> = (0..STEPS).map(|_| training.step()).collect::<Result<_>>()?;
    save(arrays, "losses", json!(losses), path)
}

/// `q`, `k`, `v` and `d_context`, and the sums of squares of the results as `checksums`.
pub fn long(long: Long, device: &Device, path: &Path) -> Result<()> {
    let attention = LongAttention::new(long, device);
    let shape = vec![1, long.seq_len, LONG_HEADS * LONG_D];
    let arrays = ["q", "k", "v", "d_context"].into_iter().zip(&attention.inputs).map(|(name, values)| {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Array(name.to_owned(), Dtype::F32, shape.clone(), bytes)
    });
    let sums = attention.step()?.map(|(name, tensor)| {
        let sum: f64 = tensor.into_data().iter::<f64>().map(|value| value * value).sum();
        (name.to_owned(), json!(sum))
    });
    save(arrays.collect(), "checksums", Value::Object(sums.into_iter().collect()), path)
}

fn save(arrays: Vec<Array>, key: &str, value: Value, path: &Path) -> Result<()> {
    let views = arrays.iter().map(|Array(name, dtype, shape, bytes)| {
        (
            name.as_str(),
            TensorView::new(*dtype, shape.clone(), bytes).expect("as many bytes as the shape says"),
        )
    });
    let metadata = HashMap::from([(key.to_owned(), value.to_string())]);
    let bytes = safetensors::serialize(views, Some(metadata))?;
    std::fs::write(path, bytes).with_context(|| format!("could not write {}", path.display()))
}
