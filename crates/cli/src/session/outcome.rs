//! What a training prints, and how it ends.

use std::process::ExitCode;

use qkv_run::{Baseline, Evaluation, Generalization};
use qkv_train::{Ended, Probe};

use crate::live::Motion;

/// What a training prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Sentences, and a line or a bar while it trains.
    Text,
    /// Sentences, and the live view while it trains.
    Live(Motion),
    /// An event a line.
    Json,
    /// Errors alone.
    Quiet,
}

impl Output {
    /// Whether sentences are printed.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Live(_))
    }
}

/// How a job ended.
pub enum Outcome {
    /// The final figures are there.
    Done(Box<Done>),
    /// A signal came; everything is saved.
    Interrupted { step: u64, code: ExitCode },
}

/// The end of a run that was not interrupted.
pub struct Done {
    pub ended: Ended,
    pub step: u64,
    /// On the test split.
    pub evaluation: Evaluation,
    /// How many examples the test split has, where it is a list.
    pub n_test_examples: Option<u64>,
    /// Step of the first frame of the film that could not be written.
    pub film_ended_at: Option<u64>,
    /// The model on the first test example.
    pub probe: Probe,
    /// The loss of simpler models on the test split, where the task has any.
    pub baselines: Vec<Baseline>,
    /// How the held-out loss went on beside that of the training, where there are such models.
    pub generalization: Option<Generalization>,
    /// A text that the model generated, where the task has a prompt.
    pub sample: Option<String>,
    /// Without the time in which it was held.
    pub seconds: f64,
    /// The part of it that the live view took, if there was one.
    pub live_seconds: Option<f64>,
}
