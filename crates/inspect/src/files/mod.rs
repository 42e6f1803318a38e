//! What the files of a run hold: tensors by name, attention layers split into heads, configs, logs and attention maps.
//!
//! Everything that reads bytes belongs here. What numbers mean together belongs into `heads`, how they look into
//! `picture`.

pub(crate) mod config;
pub(crate) mod frames;
pub(crate) mod layer_kind;
pub(crate) mod layers;
pub(crate) mod metrics;
pub(crate) mod source;
pub(crate) mod weights;
