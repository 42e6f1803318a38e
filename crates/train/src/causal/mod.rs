//! What a head is good for: take it away, give it another input's activations, or follow its output to the logits.
//!
//! These tools run the model, so they stand here and not in `inspect`, which has nothing but files. They need
//! [`Model::features_with`](crate::Model::features_with), and attribution
//! [`Model::contributions`](crate::Model::contributions).

mod ablation;
mod attribution;
mod effect;
mod patching;
mod site;

pub use ablation::{Ablation, Replacement};
pub use attribution::{Attributed, Attribution, attribute};
pub use effect::Effect;
pub use patching::{Pair, Patch, Patched, Patching};
pub use site::Site;
