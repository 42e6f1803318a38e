//! The loss of a config that names none.

use qkv_model::Choice;

/// What every training minimised before a config could name it.
pub(crate) const CROSS_ENTROPY: &str = "cross-entropy";

pub(super) fn cross_entropy() -> Choice {
    Choice::new(CROSS_ENTROPY)
}
