//! What can go wrong in training; every message has what was expected, what was found and what to do.
//!
//! Here belong all errors of the crate; the messages of the run folder come from `qkv-run`, those of models from
//! `qkv-model`.

mod count;
mod pairs_fault;
mod part_fault;
mod quantity;
mod range;
mod setting_fault;
mod text_fault;
mod usage;

pub(crate) use count::counted;
pub use pairs_fault::PairsFault;
pub use part_fault::PartFault;
pub use quantity::Quantity;
pub use setting_fault::SettingFault;
pub use text_fault::TextFault;

use std::path::{Path, PathBuf};

use qkv_model::ModelError;
use qkv_run::{Difference, RunError};
use thiserror::Error;

use crate::task::{TargetKind, UnknownSymbol};

/// Everything that this crate reports.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A name that no config can name.
    #[error(
        "the {kind} name `{name}` would not be read as a name in a setting; register yours under one that begins with \
         a letter and is not `true`, `false`, `inf` or `nan`"
    )]
    NoNameInConfig {
        /// What was to be added, for example `"score"`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A setting that no config can have, for the reason that a [`SettingFault`] gives.
    #[error(transparent)]
    Setting(#[from] SettingFault),
    /// A config is not TOML, or a value has the wrong type.
    #[error("{0}")]
    Config(String),
    /// A number lies outside its range.
    #[error("{key} must be {expected}, got {got}")]
    OutOfRange {
        /// Dotted path of the key.
        key: &'static str,
        /// Range in words.
        expected: String,
        /// What was found.
        got: String,
    },
    /// The model's dimensions are wrong.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The same, where the message begins with a key.
    #[error("{table}.{error}")]
    ModelSetting {
        /// Dotted path of the table in which the key is.
        table: String,
        /// What is wrong with its value.
        error: ModelError,
    },
    /// A part of the training breaks the promise of its trait, as a [`PartFault`] has it.
    #[error(transparent)]
    Part(#[from] PartFault),
    /// A split has no examples.
    #[error(
        "the task has too few different inputs: none of {draws} drawn belongs to the {split} split; make its \
         sequences longer, its alphabet or that share of it larger"
    )]
    SplitIsEmpty {
        /// The split's name.
        split: &'static str,
        /// How often it was tried.
        draws: usize,
    },
    /// An example asks for nothing.
    #[error("none of {} has a target; at least one must ask for something", counted(*examples, "example"))]
    NoTargets {
        /// How many were drawn.
        examples: usize,
    },
    /// A target that the vocabulary does not have.
    #[error(
        "a target is {target}, but the vocabulary has {}, numbered from 0; the vocabulary of the task and that of the \
         model must have them all",
        counted(*vocab_size, "token")
    )]
    TargetOutside {
        /// The largest target of the batch.
        target: u32,
        /// Size of the vocabulary.
        vocab_size: usize,
    },
    /// An answer of another kind than its task asks for.
    #[error("the answers of the task are {kind}: expected {expected}")]
    TargetVector {
        /// What the answers are.
        kind: TargetKind,
        /// What was expected, and what was found.
        expected: String,
    },
    /// A loss that is not the mean of those of the parts of a batch.
    #[error(
        "train.shards is {shards}, but the loss {loss} of a batch is not the mean of those of its parts; set \
         train.shards = 1, or take another loss"
    )]
    LossNotSplit {
        /// The loss with its settings.
        loss: String,
        /// What was set.
        shards: usize,
    },
    /// More processes than there is work for.
    #[error(
        "each process needs a shard of every batch: got {} for train.shards = {shards}; start at most {shards}, or set \
         train.shards, which makes it another run",
        counted(*processes, "process")
    )]
    MoreProcesses {
        /// How many there are.
        processes: usize,
        /// Shards of a batch.
        shards: usize,
    },
    /// The processes of a run are not alike.
    #[error(
        "process {rank} has {what} than process 0; start all processes of a run with the same program, config and text, on \
         processors of one model"
    )]
    OtherProcess {
        /// The first that differs.
        rank: usize,
        /// What differs, such as `"other settings"`.
        what: &'static str,
    },
    /// The processes of a run have lost each other.
    #[error("{0}")]
    Processes(String),
    /// A loss that needs other answers than the task has.
    #[error(
        "the loss {loss} cannot be computed for answers that are {kind}; take one that can: `cross-entropy` and \
         `label-smoothing` take tokens and distributions, `mean-squared-error` takes real numbers, too"
    )]
    LossOfTargets {
        /// The loss with its settings.
        loss: String,
        /// What the answers are.
        kind: TargetKind,
    },
    /// A training is to end by a figure that it does not measure.
    #[error(
        "train.stop_metric must be one of {}, which this run measures, got `{name}`; add the metric that has it to \
         train.metrics", known.join(", ")
    )]
    UnknownFigure {
        /// What was asked for.
        name: String,
        /// What is measured.
        known: Vec<String>,
    },
    /// A model that cannot be trained where it is.
    #[error(
        "the model or the device is without autodiff; build the model on `device.autodiff()`, and train that one"
    )]
    NoGradients,
    /// Two inputs between which there is nothing to find.
    #[error(
        "at no position of {} do the clean and the corrupted example ask for different answers; corrupt what the \
         answer depends on",
        counted(*pairs, "pair")
    )]
    SameAnswers {
        /// Number of pairs.
        pairs: usize,
    },
    /// The task `chars` was given no text.
    #[error("the task `chars` needs a text, but task.text is empty")]
    NoText,
    /// The text of a task cannot be read.
    #[error("cannot read the text {}: {source}", path.display())]
    TextUnread {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file cannot serve as a text.
    #[error("{} {fault}{}", path.display(), fault.conversion(path))]
    Text {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: TextFault,
    },
    /// The pairs of a task cannot be read.
    #[error("cannot read the pairs {}: {source}", path.display())]
    PairsUnread {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file cannot serve as pairs.
    #[error("{} {fault}{}", path.display(), fault.conversion(path))]
    Pairs {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: PairsFault,
    },
    /// A text has symbols that no token stands for.
    #[error("the vocabulary lacks {}; it has {known}", UnknownSymbol::list(unknown, "character"))]
    UnknownSymbols {
        /// The symbols, and where they stand.
        unknown: Vec<UnknownSymbol>,
        /// The labels that there are.
        known: String,
    },
    /// A source that no input has room for.
    #[error("a source may have at most {}, got {got}; shorten it", counted(*most, "token"))]
    SourceTooLong {
        /// Its tokens.
        got: usize,
        /// Most tokens.
        most: usize,
    },
    /// A run cannot be continued or shown as something else.
    #[error("{} was started with other settings: {}", path.display(), list(differences))]
    NotTheSameRun {
        /// The run folder.
        path: PathBuf,
        /// Every value that changes what the run is.
        differences: Vec<Difference>,
    },
    /// Something is wrong with the run folder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Weights do not fit the model.
    #[error("{} does not fit the model: {reason}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The state of an optimizer is not what the optimizer of the run remembers.
    #[error(
        "{} does not fit the optimizer that is to go on with it: {reason}; {}, or begin with the weights alone",
        path.display(), maker(made_by.as_deref())
    )]
    AnotherOptimizer {
        /// The file.
        path: PathBuf,
        /// The name of the optimizer that made it, where its checkpoint has one.
        made_by: Option<String>,
        /// Which tensor is missing or surplus.
        reason: String,
    },
    /// A weight file is damaged or something else.
    #[error("{} cannot be read as safetensors: {reason}; is it damaged, or another kind of file?", path.display())]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `"read"`, `"write"`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Something that a training computes is NaN or infinite.
    #[error(
        "training diverged after step {step}: {}; lower optimizer.lr or set optimizer.clip",
        what.sentence(tensor.as_deref(), *value)
    )]
    Diverged {
        /// Steps completed before.
        step: u64,
        /// What is not finite.
        what: Quantity,
        /// Path of the first parameter of which it is not, such as `blocks.0.attention.w_q`; `None` for one number.
        tensor: Option<String>,
        /// The first value that is not.
        value: f64,
    },
    /// An observer stopped the run.
    #[error("{0}")]
    Observer(String),
}

/// What an unknown key may have been meant for.
fn maker(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("`{name}` made it: name that one, with its settings"),
        None => "name the one that made it".to_owned(),
    }
}

fn list(differences: &[Difference]) -> String {
    differences.iter().map(Difference::to_string).collect::<Vec<_>>().join("; ")
}

impl TrainError {
    /// For `map_err` on input and output: names what was done to which file.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn text(path: &Path, fault: TextFault) -> Self {
        Self::Text { path: path.to_owned(), fault }
    }

    pub(crate) fn pairs(path: &Path, fault: PairsFault) -> Self {
        Self::Pairs { path: path.to_owned(), fault }
    }

    /// Refuses a source that is too long.
    pub(crate) fn source_fits(got: usize, most: usize) -> Result<(), Self> {
        if got <= most { Ok(()) } else { Err(Self::SourceTooLong { got, most }) }
    }
}
