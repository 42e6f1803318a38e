//! Parameters as a file, in the layout that Hugging Face tools read: `model.safetensors`, on disk or in memory.

use std::collections::BTreeSet;
use std::io::Error;
use std::path::Path;

use burn::module::Module;
use burn::store::{ApplyError, ModuleSnapshot, SafetensorsStore};
use qkv_run::{Disk, read_tensors, replace_file};
use safetensors::SafeTensors;

use super::layout::{Place, layout};
use super::unused_graphs::free_unused_graphs;
use crate::error::TrainError;
use crate::training::{NotFinite, OptimizerState, Roles};

/// Saves the parameters of `model` under their paths; an existing file is replaced at once or not at all.
///
/// # Errors
/// If the file cannot be written.
pub fn save_weights<M: Module>(model: &M, path: &Path) -> Result<(), TrainError> {
    Ok(replace_file(&Disk, path, &weights_to_bytes(model, path)?)?)
}

/// The file that [`save_weights`] writes; `path` is only for messages.
///
/// # Errors
/// If the model holds what no such file can.
pub fn weights_to_bytes<M: Module>(model: &M, path: &Path) -> Result<Vec<u8>, TrainError> {
    let mut store = SafetensorsStore::from_bytes(None)
        .skip_enum_variants(true)
        // Burn's own metadata comes in random order and names a format that other tools do not know.
        .clear_metadata()
        .metadata("format", "pt");
    let bytes = model.save_into(&mut store).and_then(|()| store.get_bytes());
    bytes.map_err(|error| TrainError::io("write", path)(Error::other(error.to_string())))
}

/// Loads every parameter of `model`.
///
/// # Errors
/// If the file is missing, is not safetensors, or does not hold exactly the model's parameters in their shapes.
pub fn load_weights<M: Module>(model: M, path: &Path) -> Result<M, TrainError> {
    let bytes = path.canonicalize().and_then(|file| read_tensors(&Disk, &file, u64::MAX));
    weights_from_bytes(model, bytes.map_err(TrainError::io("read", path))?, path)
}

/// The same from the bytes of such a file; `path` is only for messages.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, TransformerConfig};
/// use qkv_train::{weights_from_bytes, weights_to_bytes};
///
/// let config = TransformerConfig::new(3, 4, 8);
/// let model = |seed| config.clone().init(&Init::new(&Device::flex(), seed));
/// let saved = weights_to_bytes(&model(1)?, "model.safetensors".as_ref())?;
/// let loaded = weights_from_bytes(model(2)?, saved.clone(), "model.safetensors".as_ref())?;
/// assert_eq!(weights_to_bytes(&loaded, "model.safetensors".as_ref())?, saved);
/// # Ok::<(), qkv_train::TrainError>(())
/// ```
///
/// # Errors
/// As [`load_weights`].
pub fn weights_from_bytes<M: Module>(model: M, bytes: Vec<u8>, path: &Path) -> Result<M, TrainError> {
    let model = unchecked_from_bytes(model, bytes, path)?;
    check_finite(&model, path)?;
    Ok(model)
}

/// The same, where the file may hold numbers that are not finite.
pub(super) fn unchecked_from_bytes<M: Module>(
    mut model: M,
    bytes: Vec<u8>,
    path: &Path,
) -> Result<M, TrainError> {
    let not_safetensors = |reason: String| TrainError::NotSafetensors { path: path.to_owned(), reason };
    let (_, header) =
        SafeTensors::read_metadata(&bytes).map_err(|error| not_safetensors(error.to_string()))?;
    let parameters = layout(&model, &Roles::default());
    let names = header.offset_keys();
    if names.len() > parameters.len() {
        // Burn takes a kilobyte for each tensor, of which a file may have any number.
        let known: BTreeSet<&str> = parameters.iter().map(|place| place.parameter.path.as_str()).collect();
        if let Some(surplus) = names.iter().find(|name| !known.contains(name.as_str())) {
            return Err(weights(path, format!("the model has no `{surplus}`")));
        }
    }
    // Burn takes over the precision of a file, and a backend without it panics.
    for Place { parameter, dtype, .. } in parameters.into_iter().filter(|place| place.dtype.is_float()) {
        let Some(found) = header.info(&parameter.path) else { continue };
        let [expected, found] = [format!("{dtype:?}"), format!("{:?}", found.dtype)];
        if expected != found {
            return Err(weights(path, format!("`{}` must hold {expected}, got {found}", parameter.path)));
        }
    }
    let mut store = SafetensorsStore::from_bytes(Some(bytes))
        .skip_enum_variants(true)
        .validate(false)
        .allow_partial(true);
    let result = model.load_from(&mut store).map_err(|error| not_safetensors(error.to_string()))?;
    let missing = result.missing.iter().map(|(name, _)| format!("it lacks `{name}`"));
    let unused = result.unused.iter().map(|name| format!("the model has no `{name}`"));
    let wrong = result.errors.iter().map(in_words);
    free_unused_graphs(&model);
    match wrong.chain(missing).chain(unused).next() {
        None => Ok(model),
        Some(reason) => Err(weights(path, reason)),
    }
}

/// Refuses what no training goes on from: its first step would find the same.
fn check_finite<M: Module>(model: &M, path: &Path) -> Result<(), TrainError> {
    let found = NotFinite::search(model, &OptimizerState::default(), None);
    found.map_or(Ok(()), |found| Err(not_finite(&found, path)))
}

pub(super) fn not_finite(NotFinite { what, tensor, value }: &NotFinite, path: &Path) -> TrainError {
    weights(path, what.sentence(tensor.as_deref(), *value) + ", expected finite numbers")
}

fn in_words(error: &ApplyError) -> String {
    match error {
        ApplyError::ShapeMismatch { path, expected, found } => {
            format!("`{path}` must have shape {:?}, got {:?}", expected.as_slice(), found.as_slice())
        }
        other => other.to_string(),
    }
}

fn weights(path: &Path, reason: impl ToString) -> TrainError {
    TrainError::Weights { path: path.to_owned(), reason: reason.to_string() }
}
