//! Whether what a training is going to write could be read back: files have bounds, and a training that ends with a
//! checkpoint beyond them would be lost.

use std::fmt::Write;
use std::path::Path;

use burn::module::Module;
use qkv_run::tensor_names::{FIRST_MOMENT, SECOND_MOMENT};
use qkv_run::{Checkpoint, Description, RunError, check_tensor_header};
use serde::Serialize;

use super::checkpoint::description;
use super::layout::{Place, layout};
use crate::error::TrainError;
use crate::task::Task;

/// Refuses a training whose checkpoints could not be read back, before anything of it is created: a model of too many
/// tensors, or a config or vocabulary that is too long.
///
/// # Errors
/// [`RunError::NotReadable`], with the file and its bound.
pub fn check_readable<M: Module>(
    model: &M,
    config: &impl Serialize,
    task: &dyn Task,
) -> Result<(), TrainError> {
    let description: Description = description(config, task);
    description.check()?;
    let places = layout(model);
    let weights = header(places.iter().map(|place| (place.path.clone(), place.shape.as_slice(), place)));
    let learned = places.iter().filter(|place| place.learned);
    let moments = learned.flat_map(|place| {
        let of = |which| (format!("{}{which}", place.path), std::slice::from_ref(&place.n), place);
        [FIRST_MOMENT, SECOND_MOMENT].map(of)
    });
    let [weights_file, moments_file] = Checkpoint::tensor_files(Path::new(""));
    for (file, header) in [(weights_file, weights), (moments_file, header(moments))] {
        check_tensor_header(&header).map_err(|what| {
            let what =
                format!("{what}; take a model of fewer parameters, of which this one has {}", places.len());
            TrainError::Run(RunError::NotReadable { file, what })
        })?;
    }
    Ok(())
}

/// The header of a safetensors file with these tensors, behind its length.
fn header<'a>(tensors: impl Iterator<Item = (String, &'a [usize], &'a Place)>) -> Vec<u8> {
    let mut header = String::from(r#"{"__metadata__":{"format":"pt"}"#);
    let mut end = 0;
    for (name, shape, Place { n, dtype, .. }) in tensors {
        let (name, start) = (serde_json::Value::from(name), end);
        end += n * dtype.size();
        let _ =
            write!(header, r#",{name}:{{"dtype":"F32","shape":{shape:?},"data_offsets":[{start},{end}]}}"#);
    }
    header.push('}');
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
}
