//! Files for the tests of this crate.

use qkv_run::{Contents, Description, Evaluation, Existing, RunFolder};
use safetensors::Dtype;

use crate::files::weights::Weights;
use crate::runs::record::RunRecord;

/// The bytes of a file with this header.
pub(crate) fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// The bytes of a file with these f32 tensors and this metadata.
pub(crate) fn tensors(tensors: &[(&str, &[usize], Vec<f32>)], metadata: &[(&str, &str)]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, _, values)| values.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        let view = safetensors::tensor::TensorView::new(Dtype::F32, shape.to_vec(), bytes);
        (*name, view.expect("as many values as the shape says"))
    });
    let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    safetensors::serialize(views, Some(metadata)).expect("valid tensors")
}

/// A file with these f32 tensors.
pub(crate) fn weights(list: &[(&str, &[usize], Vec<f32>)]) -> Weights {
    Weights::from_bytes("test.safetensors", tensors(list, &[])).expect("valid tensors")
}

/// A run folder with these steps, whose one matrix holds `1 + step`.
pub(crate) fn run_folder(steps: &[u64]) -> Result<tempfile::TempDir, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let run = RunFolder::create(folder.path(), "", Existing::Keep)?;
    for &step in steps {
        let w_q = vec![1.0 + step as f32; 6];
        let contents = Contents {
            weights: tensors(&[("a.w_q", &[1, 6], w_q)], &[]),
            optimizer: tensors(&[], &[]),
            description: Description::new("model.n_heads = 3".parse()?, Vec::new()),
        };
        run.write_checkpoint(step, &contents)?;
    }
    Ok(folder)
}

/// A run folder with this config and this log.
pub(crate) fn logged_run(config: &str, log: &str) -> Result<tempfile::TempDir, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    RunFolder::create(folder.path(), config, Existing::Keep)?;
    std::fs::write(folder.path().join("metrics.jsonl"), log)?;
    Ok(folder)
}

/// A finished run of 60 steps and a second, with these figures at its end.
pub(crate) fn record(path: &str, config: &str, figures: &[(&str, f64)]) -> RunRecord {
    let config = config.parse().expect("TOML");
    let none = Evaluation::default();
    let evaluation = figures.iter().fold(none, |evaluation, (name, value)| evaluation.with(name, *value));
    RunRecord::ended(path.as_ref(), config, 60, 1.0, evaluation)
}
