//! What can be wrong with a model's dimensions; every message says what was expected and what was found.

use thiserror::Error;

/// A configuration from which no model can be built.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ModelError {
    /// A number lies outside its range.
    #[error("{name} must be {expected}, got {got}")]
    OutOfRange {
        /// Name of the field.
        name: &'static str,
        /// Range in words.
        expected: &'static str,
        /// What was found.
        got: f64,
    },
    /// `d_model` cannot be shared out evenly and no head size was given.
    #[error(
        "d_model = {d_model} is not a multiple of n_heads = {n_heads}; set d_k and d_v, or change one of the two"
    )]
    HeadsDoNotDivide {
        /// Width of the residual stream.
        d_model: usize,
        /// Number of heads.
        n_heads: usize,
    },
    /// Identity projections can only hand the input through unchanged.
    #[error(
        "projections = \"none\" hands the input through, so n_heads * {name} must equal the input width {d_in}, \
         got {n_heads} * {size}"
    )]
    IdentityChangesWidth {
        /// `"d_k"` or `"d_v"`.
        name: &'static str,
        /// Number of heads.
        n_heads: usize,
        /// Width per head.
        size: usize,
        /// Width of the input.
        d_in: usize,
    },
    /// Identity projections have nothing to add a bias to.
    #[error("projections = \"none\" has no matrices and therefore no biases; set bias = false")]
    IdentityHasNoBias,
    /// The heads' outputs do not fit where they are added.
    #[error(
        "without w_o the heads' outputs are added to the residual stream as they are, so n_heads * d_v must equal \
         d_model = {d_model}, got {n_heads} * {d_v}; set w_o = true or change d_v"
    )]
    OutputDoesNotFit {
        /// Width of the residual stream.
        d_model: usize,
        /// Number of heads.
        n_heads: usize,
        /// Value width per head.
        d_v: usize,
    },
}

/// Returns `value` if it is at least one.
pub(crate) fn at_least_one(name: &'static str, value: usize) -> Result<usize, ModelError> {
    if value == 0 {
        return Err(ModelError::OutOfRange { name, expected: "at least 1", got: 0.0 });
    }
    Ok(value)
}
