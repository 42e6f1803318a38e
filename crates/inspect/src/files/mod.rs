//! What the files of a run hold: tensors by name, attention layers split into heads, configs, logs and attention maps.
//!
//! Everything that reads bytes belongs here. What numbers mean together belongs into `heads`, how they look into
//! `picture`.

mod absent;
pub(crate) mod checkpoint_config;
pub(crate) mod decode;
pub(crate) mod head_counts;
pub(crate) mod header;
pub(crate) mod layer_kind;
pub(crate) mod layers;
pub(crate) mod map_positions;
pub(crate) mod metrics;
pub(crate) mod natural_order;
pub(crate) mod snapshot;
pub(crate) mod source;
pub(crate) mod trace;
pub(crate) mod weights;
