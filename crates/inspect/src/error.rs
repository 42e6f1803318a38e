//! What can be wrong with the files of a run; every message says what was expected, what was found and what to do.

use std::path::PathBuf;

use qkv_run::{RunError, is_unreadable};
use thiserror::Error;

/// Something that cannot be read, or a number that does not exist.
#[derive(Debug, Error)]
pub enum InspectError {
    /// There is nothing at this path.
    #[error("{} does not exist; give a run folder, a checkpoint folder or a safetensors file", path.display())]
    NotFound {
        /// What was asked for.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The bytes are something else.
    #[error(
        "{} is not a safetensors file: {problem}; it holds {size} bytes and begins with {start}",
        path.display()
    )]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// The first thing that does not fit.
        problem: String,
        /// Its size in bytes.
        size: usize,
        /// Its first bytes, unprintable ones escaped.
        start: String,
    },
    /// The file was cut off.
    #[error(
        "{} is cut off: its header promises {expected} bytes, found {size}; copy it again or take another checkpoint",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that the header promises; at least this many where the header itself is cut.
        expected: u64,
        /// Bytes that are there.
        size: usize,
    },
    /// The numbers of a tensor are stored in a way that is not read here.
    #[error(
        "tensor {} in {} holds {dtype}, expected F64, F32, F16 or BF16; convert it to one of these first",
        name.escape_debug(), path.display()
    )]
    UnsupportedType {
        /// The tensor.
        name: String,
        /// The file.
        path: PathBuf,
        /// How its numbers are stored.
        dtype: String,
    },
    /// The file holds no tensor of this name.
    #[error("there is no tensor {} in {}; it holds {}", name.escape_debug(), path.display(), known.escape_debug())]
    NoTensor {
        /// What was asked for.
        name: String,
        /// The file.
        path: PathBuf,
        /// The names that are there, the first few.
        known: String,
    },
    /// A tensor has the wrong number of axes, or an empty one.
    #[error(
        "tensor {} has shape {shape:?}, expected {expected}, every axis at least 1",
        name.escape_debug()
    )]
    WrongShape {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The axes in words.
        expected: &'static str,
    },
    /// The values do not fill the rows and columns.
    #[error("a matrix of {rows} rows and {columns} columns (each at least 1), got {values} values")]
    MatrixSize {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
        /// Number of values.
        values: usize,
    },
    /// A film is made of nothing.
    #[error("a film needs at least one frame, got 0")]
    NoFrames,
    /// A config that is not valid TOML, or has a value that does not fit.
    #[error("cannot read a config: {problem}; give the text of a run's config.toml")]
    Config {
        /// What is wrong with it.
        problem: String,
    },
    /// A model has at least one head.
    #[error("n_heads must be at least 1, got 0")]
    NoHeads,
    /// Query heads cannot share keys and values evenly.
    #[error(
        "n_heads = {n_heads} and n_kv_heads = {n_kv_heads} do not fit; the first must be a multiple of the second"
    )]
    GroupsDoNotDivide {
        /// Number of query heads.
        n_heads: usize,
        /// Number of key and value heads.
        n_kv_heads: usize,
    },
    /// The heads cannot share an axis evenly.
    #[error(
        "{} has {length} {axis}, which n_heads = {n_heads} does not divide; give the model's own number of heads",
        name.escape_debug()
    )]
    HeadsDoNotDivide {
        /// The tensor.
        name: String,
        /// `"columns"`, `"rows"` or `"values"`.
        axis: &'static str,
        /// Length of that axis.
        length: usize,
        /// Number of heads.
        n_heads: usize,
    },
    /// So many query heads share a matrix that its parts do not fit into memory.
    #[error(
        "n_heads = {n_heads} are too many for the matrix {} that they share; give the model's own numbers of heads",
        name.escape_debug()
    )]
    TooManyHeads {
        /// The tensor.
        name: String,
        /// Number of query heads.
        n_heads: usize,
    },
    /// Queries and keys of different widths have no dot product.
    #[error(
        "{}: w_q has {w_q} columns, {} for each of n_heads = {n_heads}, w_k has {w_k}, {} for each of \
         n_kv_heads = {n_kv_heads}; a dot product needs equal widths: give the model's own numbers of heads",
        layer.escape_debug(), w_q / n_heads, w_k / n_kv_heads
    )]
    HeadWidthsDiffer {
        /// The layer.
        layer: String,
        /// Columns of W_Q.
        w_q: usize,
        /// Columns of W_K.
        w_k: usize,
        /// Number of query heads.
        n_heads: usize,
        /// Number of key and value heads.
        n_kv_heads: usize,
    },
    /// Something is wrong with the run folder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A file that is neither a run nor a checkpoint has no steps to choose from.
    #[error("{} is not a run folder, so step {step} cannot be looked up in it", path.display())]
    NoSteps {
        /// What was asked for.
        path: PathBuf,
        /// The step.
        step: u64,
    },
    /// JSON in a file, such as `config.json` or the labels of a snapshot, does not hold what it should.
    #[error("cannot use {}: {problem}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        problem: String,
    },
    /// Two matrices that cannot be compared or multiplied.
    #[error(
        "a {}x{} matrix does not fit a {}x{} one; {expected}", left[0], left[1], right[0], right[1]
    )]
    SizesDoNotFit {
        /// Rows and columns of the first.
        left: [usize; 2],
        /// Rows and columns of the second.
        right: [usize; 2],
        /// Which sizes would fit.
        expected: &'static str,
    },
    /// Only a square matrix has eigenvalues.
    #[error("a {rows}x{columns} matrix has no eigenvalues; it must have as many columns as rows")]
    NotSquare {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
    /// Queries and keys cannot be given another basis.
    #[error(transparent)]
    NoGauge(#[from] NoGauge),
    /// NaN or infinite values have no singular values and no eigenvalues.
    #[error(
        "{count} of {total} values are NaN or infinite, so there are no singular values and no eigenvalues; the \
         training diverged"
    )]
    NotFinite {
        /// How many.
        count: usize,
        /// Of how many.
        total: usize,
    },
    /// An iteration did not settle.
    #[error("the {values} of a {rows}x{columns} matrix did not converge in {iterations} iterations")]
    NoConvergence {
        /// `"singular values"`, `"singular vectors"` or `"eigenvalues"`.
        values: &'static str,
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
        /// The bound.
        iterations: usize,
    },
    /// The picture could not be drawn.
    #[error("cannot draw the picture: {problem}")]
    Picture {
        /// The reason.
        problem: String,
    },
}

impl InspectError {
    /// Whether the caller asked for something impossible; a disk that fails while it is read is another matter.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Read { source, .. } => is_unreadable(source),
            Self::Run(error) => error.is_usage(),
            _ => true,
        }
    }
}

/// Why the basis of queries and keys is not free.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoGauge {
    /// Rotary positions turn fixed pairs of dimensions of every query and key.
    #[error("rotary positions tie queries and keys to their basis")]
    Rotary,
    /// Queries and keys are normalised, or scaled dimension by dimension, before they meet.
    #[error("queries and keys are normalised before they meet")]
    Normalised,
    /// The score is no dot product. Its name.
    #[error("the score {} is neither dot nor scaled-dot", .0.escape_debug())]
    Score(String),
    /// A position scheme that is not known here and may act on queries and keys. Its name.
    #[error("the positions {} may act on queries and keys", .0.escape_debug())]
    Positions(String),
    /// The config lacks this key of the model: `score` or `positions`.
    #[error("the config does not say {0}")]
    Unsaid(&'static str),
    /// W_Q or W_K is missing, or they have no common `d_k`.
    #[error("w_q and w_k are not both there with the same d_k")]
    NoCircuit,
}
