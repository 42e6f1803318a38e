//! A workload as a file, so that another framework can make the same steps.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::{DType, Device, TensorData};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use super::long::LongAttention;
use super::training::Training;
use super::workload::Workload;
use crate::output::files::replaceable::check_replaceable;

/// Steps whose losses go into the file.
const STEPS: usize = 5;

/// What an export begins with, behind the length of its header.
const MARKS: [&str; 2] = ["{\"__metadata__\":{\"losses\":", "{\"__metadata__\":{\"checksums\":"];

type Array = (String, TensorData);

/// Refuses a file whose content an export would destroy.
pub fn check(path: &Path) -> Result<()> {
    check_replaceable("--export", path, "an export", &MARKS)
}

/// Parameters before the first step, batches `tokens` and `targets` (`[pool, batch, seq_len]`), and the `losses` of the
/// first steps as JSON in the metadata.
pub fn training(workload: Workload, device: &Device, path: &Path) -> Result<()> {
    let mut training = Training::new(workload, device)?;
    let mut arrays: Vec<Array> =
        training.parameters().into_iter().map(|parameter| (parameter.path, parameter.data)).collect();
    let shape = [training.pool.len(), workload.batch, workload.seq_len];
    for (which, name) in ["tokens", "targets"].into_iter().enumerate() {
        let ids: Vec<i64> = training.pool.iter().flat_map(|batch| batch[which].clone()).collect();
        arrays.push((name.to_owned(), TensorData::new(ids, shape)));
    }
    let losses: Vec<f64> = (0..STEPS).map(|_| training.step()).collect::<Result<_>>()?;
    save(arrays, "losses", json!(losses), path)
}

/// `q`, `k`, `v` and `d_context`, and the sums of squares of the results as `checksums`.
pub fn long(seq_len: usize, device: &Device, path: &Path) -> Result<()> {
    let attention = LongAttention::new(seq_len, device);
    let array = |(name, values): (&str, &Vec<f32>)| {
        (name.to_owned(), TensorData::new(values.clone(), attention.shape))
    };
    let arrays = ["q", "k", "v", "d_context"].into_iter().zip(&attention.inputs).map(array);
    let sums = attention.step()?.map(|(name, tensor)| {
        let sum: f64 = tensor.into_data().iter::<f64>().map(|value| value * value).sum();
        (name.to_owned(), json!(sum))
    });
    save(arrays.collect(), "checksums", Value::Object(sums.into_iter().collect()), path)
}

fn save(arrays: Vec<Array>, key: &str, value: Value, path: &Path) -> Result<()> {
    let views = arrays.iter().map(|(name, data)| {
        let dtype = if data.dtype() == DType::I64 { Dtype::I64 } else { Dtype::F32 };
        let view = TensorView::new(dtype, data.shape().to_vec(), data.as_bytes());
        (name, view.expect("as many bytes as the shape says"))
    });
    let metadata = HashMap::from([(key.to_owned(), value.to_string())]);
    let bytes = safetensors::serialize(views, Some(metadata))?;
    std::fs::write(path, bytes).with_context(|| format!("could not write {}", path.display()))
}
