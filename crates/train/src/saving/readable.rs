//! Whether what a training is going to write could be read back: files have bounds, and a training that ends with a
//! checkpoint beyond them would be lost.

use std::fmt::Write;
use std::path::Path;

use burn::module::Module;
use qkv_run::tensor_names::of_optimizer;
use qkv_run::{Checkpoint, Description, RunError, check_tensor_header};
use serde::Serialize;

use super::checkpoint::description;
use super::layout::{Place, layout};
use crate::error::TrainError;
use crate::model::Model;
use crate::task::Task;
use crate::training::{Optimizer, Roles, StateTensor};

/// Refuses a training whose checkpoints could not be read back, before anything of it is created: a model of too many
/// tensors, or a config or vocabulary that is too long.
///
/// # Errors
/// [`RunError::NotReadable`], with the file and its bound.
pub fn check_readable<M: Model + Module>(
    model: &M,
    optimizer: &dyn Optimizer,
    config: &impl Serialize,
    task: &dyn Task,
) -> Result<(), TrainError> {
    let description: Description = description(config, task);
    description.check()?;
    let places = layout(model, &Roles::of(model));
    let of_parameter = |Place { parameter, dtype, .. }: &Place| {
        (parameter.path.clone(), parameter.shape.clone(), parameter.n() * dtype.size())
    };
    let weights = header(places.iter().map(of_parameter));
    let learned = places.iter().filter(|place| place.learned);
    let state = learned.flat_map(|Place { parameter, dtype, .. }| {
        let of_tensor = |StateTensor { name, n }: StateTensor| {
            (of_optimizer(&parameter.path, name), vec![n], n * dtype.size())
        };
        optimizer.state(parameter).into_iter().map(of_tensor).collect::<Vec<_>>()
    });
    let [weights_file, state_file] = Checkpoint::tensor_files(Path::new(""));
    for (file, header) in [(weights_file, weights), (state_file, header(state))] {
        check_tensor_header(&header).map_err(|what| {
            let what =
                format!("{what}; take a model of fewer parameters, of which this one has {}", places.len());
            TrainError::Run(RunError::NotReadable { file, what })
        })?;
    }
    Ok(())
}

/// The header of a safetensors file with tensors of these names, shapes and bytes, behind its length.
fn header(tensors: impl Iterator<Item = (String, Vec<usize>, usize)>) -> Vec<u8> {
    let mut header = String::from(r#"{"__metadata__":{"format":"pt"}"#);
    let mut end = 0;
    for (name, shape, n_bytes) in tensors {
        let (name, start) = (serde_json::Value::from(name), end);
        end += n_bytes;
        let _ =
            write!(header, r#",{name}:{{"dtype":"F32","shape":{shape:?},"data_offsets":[{start},{end}]}}"#);
    }
    header.push('}');
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
}
