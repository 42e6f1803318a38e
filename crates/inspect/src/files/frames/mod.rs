//! The frames of a run: attention maps, and what each layer computed, of the inputs that training kept.

mod map_positions;
pub(crate) mod snapshot;
pub(crate) mod trace;
