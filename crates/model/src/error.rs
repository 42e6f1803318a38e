//! What can be wrong with a model's dimensions; every message has what was expected and what was found.

use std::path::PathBuf;

use thiserror::Error;

use crate::number::Number;
use crate::parts::WrongValue;

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
        got: String,
    },
    /// Slopes of ALiBi for another number of heads.
    #[error(
        "slopes must be one for each of n_heads = {n_heads} heads, or none for those of the paper, got {n_slopes}"
    )]
    SlopesDoNotFit {
        /// Number of heads.
        n_heads: usize,
        /// Number of slopes.
        n_slopes: usize,
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
        "{key} = \"none\" hands the input through, so n_heads * {name} must equal the input width {d_in}, got \
         {n_heads} * {size}; change {name}, or set {key} = \"learned\""
    )]
    IdentityChangesWidth {
        /// `"projections"`, or `"projections.w_q"` where another matrix is there.
        key: &'static str,
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
    /// Identity projections give every head keys of its own.
    #[error(
        "{key} = \"none\" hands the input through to every head, so n_kv_heads must equal n_heads = {n_heads}, got \
         {n_kv_heads}; change n_kv_heads, or set {key} = \"learned\""
    )]
    IdentityHasNoGroups {
        /// `"projections"`, or `"projections.w_k"` where another matrix is there.
        key: &'static str,
        /// Number of heads of queries.
        n_heads: usize,
        /// Number of heads of keys and values.
        n_kv_heads: usize,
    },
    /// Keys and values cannot be shared out evenly.
    #[error("n_kv_heads must divide n_heads = {n_heads}, got {n_kv_heads}")]
    GroupsDoNotDivide {
        /// Number of heads of queries.
        n_heads: usize,
        /// Number of heads of keys and values.
        n_kv_heads: usize,
    },
    /// Rotation needs pairs.
    #[error("rope turns pairs of components, so d_k must be even, got {d_k}")]
    OddWidth {
        /// Width of queries and keys per head.
        d_k: usize,
    },
    /// Nothing has this name.
    #[error("unknown {kind} `{name}`; choose one of {}", known.join(", "))]
    Unknown {
        /// What was asked for, for example `"score"`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// Two things cannot have one name.
    #[error("the {kind} name `{name}` is taken; register yours under another name")]
    NameTaken {
        /// What was to be added, for example `"score"`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Something was given settings that it does not have.
    #[error("{key}: {reason} (of `{name}`)")]
    Settings {
        /// What was asked for and which of its settings, for example `"score.scale"`.
        key: String,
        /// The name of the thing that has these settings.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A setting has a value of a wrong type.
    #[error("{0}")]
    WrongValue(WrongValue),
    /// The kernels compute dot products and nothing else.
    #[error("attention = \"fused\" is not possible, because {reason}; set it to \"auto\"")]
    NoFusedImplementation {
        /// What stands against it.
        reason: &'static str,
    },
    /// Weights from elsewhere lack a tensor.
    #[error("the weights have no tensor `{name}`, which the layer needs; they have {}", some_of(there))]
    NoWeights {
        /// Name of the tensor.
        name: String,
        /// The names that have the same end, or all, if there are none of these.
        there: Vec<String>,
    },
    /// A file from elsewhere holds no tensors.
    #[error("{path}: expected a safetensors file that can be read: {reason}", path = path.display())]
    WeightFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor from elsewhere has another shape than the layer's.
    #[error("`{name}` must have the shape {expected:?} for this layer, got {got:?}")]
    WeightsDoNotFit {
        /// Name of the tensor.
        name: String,
        /// Shape that fits.
        expected: Vec<usize>,
        /// Its shape.
        got: Vec<usize>,
    },
    /// A tensor from elsewhere belongs to nothing that the layer has.
    #[error("`{name}` has no place in this layer: {reason}")]
    NoPlaceForWeights {
        /// Name of the tensor.
        name: String,
        /// What the layer lacks.
        reason: &'static str,
    },
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

impl ModelError {
    /// Refuses a setting that does not fit or is not finite; `name` is its key alone, before which the registry puts
    /// the table, and `expected` its range in words.
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`].
    ///
    /// ```
    /// use qkv_model::ModelError;
    ///
    /// let window = 0;
    /// let error = ModelError::check_number("window", window, "at least 1", window >= 1).unwrap_err();
    /// assert_eq!(error.to_string(), "window must be at least 1, got 0");
    /// ```
    pub fn check_number(
        name: &'static str,
        got: impl Number,
        expected: &'static str,
        fits: bool,
    ) -> Result<(), Self> {
        let out_of_range = || Self::OutOfRange { name, expected, got: got.to_string() };
        if fits && got.is_finite() { Ok(()) } else { Err(out_of_range()) }
    }
}

/// Names in a message; a model has hundreds of tensors.
const SHOWN: usize = 8;

/// The first of `names`, and how many there are more.
fn some_of(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "no tensors".to_owned(),
        n if n > SHOWN => format!("{shown} and {} more", n - SHOWN),
        _ => shown,
    }
}

/// Widest of any axis, about a million: products of two sizes cannot overflow, and a slip of the finger asks for no
/// terabytes.
const MAX_SIZE: usize = 1 << 20;

/// Most parameters of a model, a billion: four gigabytes of weights, far beyond what this project trains.
const MAX_PARAMETERS: usize = 1 << 30;

/// Returns `value` if it can be the size of an axis.
pub(crate) fn size(name: &'static str, value: usize) -> Result<usize, ModelError> {
    if (1..=MAX_SIZE).contains(&value) {
        return Ok(value);
    }
    let expected = if value == 0 { "at least 1" } else { "at most 1048576" };
    Err(ModelError::OutOfRange { name, expected, got: value.to_string() })
}

/// Whether a model of this many parameters may be built.
pub(crate) fn parameters(n_parameters: usize) -> Result<(), ModelError> {
    if n_parameters <= MAX_PARAMETERS {
        return Ok(());
    }
    let (name, expected) = ("the number of parameters", "at most 1073741824");
    Err(ModelError::OutOfRange { name, expected, got: n_parameters.to_string() })
}
