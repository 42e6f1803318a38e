//! What a session cannot do; every message has what was expected, what was found and what to do.

use qkv_inspect::InspectError;
use qkv_train::TrainError;
use thiserror::Error;

/// Everything that a session reports.
#[derive(Debug, Error)]
pub enum WebError {
    /// A config, a weight file or a step is not what the trainer can go on with.
    #[error(transparent)]
    Train(Box<TrainError>),
    /// The loss, a gradient or a parameter is not finite; the session stands where it stood before that step.
    #[error("{error}; the model is as it was after step {step}")]
    Diverged {
        /// The last step that was good.
        step: u64,
        /// What was found.
        error: Box<TrainError>,
    },
    /// A frame cannot be shown.
    #[error(transparent)]
    Inspect(Box<InspectError>),
    /// The model would not fit into a page.
    #[error(
        "the training would need about {needed} MiB, and a page has {most} MiB for it; choose a smaller model, shorter \
         inputs or a smaller batch"
    )]
    TooLarge {
        /// By the estimate of the trainer.
        needed: u64,
        /// What is allowed.
        most: u64,
    },
    /// An edit of a matrix that is not there, or of a part that it does not have.
    #[error("{0}")]
    Edit(String),
    /// An input that the task cannot have.
    #[error("{0}")]
    Input(String),
    /// A request that cannot be read.
    #[error("{0}")]
    Request(String),
}

impl From<TrainError> for WebError {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Diverged { step, .. } => Self::Diverged { step, error: Box::new(error) },
            error => Self::Train(Box::new(error)),
        }
    }
}

impl From<InspectError> for WebError {
    fn from(error: InspectError) -> Self {
        Self::Inspect(Box::new(error))
    }
}

impl WebError {
    /// What kind it is, for a page that treats them apart.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Train(_) => "config",
            Self::Diverged { .. } => "nan",
            Self::Inspect(_) => "frame",
            Self::TooLarge { .. } => "too-large",
            Self::Edit(_) => "edit",
            Self::Input(_) => "input",
            Self::Request(_) => "request",
        }
    }
}
