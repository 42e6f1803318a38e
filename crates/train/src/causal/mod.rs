//! The causal role of a head: ablation, patching with another input's activations, and attribution of the logits.
//!
//! Here belongs what changes or takes apart a running model; figures of weights alone belong to `inspect`, which reads
//! files. The tools need [`Model::features_with`](crate::Model::features_with), and attribution
//! [`Model::contributions`](crate::Model::contributions).

mod ablation;
mod attribution;
mod effect;
mod patching;
mod site;
mod wanted;

pub use ablation::{Ablation, Replacement};
pub use attribution::{Attributed, Attribution, attribute};
pub use effect::Effect;
pub use patching::{Pair, Patched, Patching};
pub use site::{Patch, Site};
pub use wanted::{Forcing, WantedMap, WithMap};
