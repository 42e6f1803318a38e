//! What is drawn, what is refused, and what is boxed when a model is built.

/// Dropout as a function of seed, step and layer.
mod dropout;
/// Boxed modules beside unboxed ones.
mod erased;
/// Messages for dimensions of which nothing can be built.
mod errors;
/// Models that wrap a transformer with a hook of their own.
mod hooked_models;
/// Initial weights as a function of seed and path.
mod initial_weights;
/// Messages for names that are unknown or taken, and for their settings.
mod names;
/// Attention layers of a user's own.
mod own_layers;
/// Masks of a user's own.
mod own_masks;
/// Norms and activations of a user's own.
mod own_parts;
/// A user's position scheme and model.
mod user_kinds;

use qkv_model::parameters;
use qkv_train::{AnyModel, Experiment, Trainer, load_weights, save_weights};

use crate::support::backends::device;

/// The model of an experiment after a training in which every parameter moved, written to a file and read back.
fn trained(experiment: &Experiment) -> AnyModel {
    let device = device().autodiff();
    let start = experiment.model(&device).unwrap();
    let trainer = Trainer::new(start.clone(), &*experiment.task, experiment.config.recipe(), &device);
    let trained = trainer.unwrap().run().unwrap().state.model;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    save_weights(&trained, &file).unwrap();
    let read = load_weights(start.clone(), &file).unwrap();
    for ((start, end), read) in parameters(&start).iter().zip(parameters(&trained)).zip(parameters(&read)) {
        assert_ne!(start.data, end.data, "{} did not move", end.path);
        assert_eq!(read.data, end.data, "{}", end.path);
    }
    read
}
