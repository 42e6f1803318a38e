//! What a task, a model, a loss, a schedule or a metric does otherwise than its trait promises.

use thiserror::Error;

use super::count::counted;

/// What is wrong with a part of a training, which may be a user's own.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PartFault {
    /// A model cannot do what only some can.
    #[error(
        "a model of this type cannot be {done}: it lacks `Model::{method}`; write it, or use a `Transformer`"
    )]
    NotWritten {
        /// The method.
        method: &'static str,
        /// What it is for.
        done: &'static str,
    },
    /// A hook is shown one stage more than once in one pass.
    #[error(
        "the model shows its hooks the {stage} of layer {layer} {} in {}, so that they cannot be told apart; give \
         every attention an index of its own",
        counted(*times, "time"), counted(*passes, "pass")
    )]
    ShownTwice {
        /// Index of the layer.
        layer: usize,
        /// Name of the stage.
        stage: &'static str,
        /// How often it was shown.
        times: usize,
        /// How often the model was run.
        passes: usize,
    },
    /// Something that a model returns has another shape than its input asks for.
    #[error("the model's {what} must have the shape {expected}, got {got:?}")]
    ModelShape {
        /// `"features"` or `"logits"`.
        what: &'static str,
        /// What was expected.
        expected: String,
        /// What the model returned.
        got: Vec<usize>,
    },
    /// A loss, or one of its parts, that is no number.
    #[error("the loss must be one number, but its {name} has {n_values}; take the mean over all targets")]
    LossShape {
        /// `total`, or the name of the part.
        name: String,
        /// How many numbers it has.
        n_values: usize,
    },
    /// A figure that a metric did not announce.
    #[error("the metric {metric} has a figure `{figure}` that its `Metric::figures` lacks; name it there")]
    FigureNotNamed {
        /// Name of the figure.
        figure: String,
        /// The metric with its settings.
        metric: String,
    },
    /// An example has another length than its task's.
    #[error(
        "an example must have {} and {} or gaps, got {got_tokens} and {got_targets}",
        counted(*n_tokens, "token"), counted(*n_targets, "target")
    )]
    ExampleLength {
        /// Tokens of an example of this task.
        n_tokens: usize,
        /// Positions of this task.
        n_targets: usize,
        /// What was found.
        got_tokens: usize,
        /// What was found.
        got_targets: usize,
    },
    /// A figure that is called like another one.
    #[error(
        "the metric {metric} has a figure `{figure}`, but that name is taken; leave one out or rename it"
    )]
    FigureTaken {
        /// Name of the figure.
        figure: String,
        /// The metric with its settings.
        metric: String,
    },
    /// A schedule gives something that no rate can be multiplied by.
    #[error(
        "the schedule `{name}` must give a finite factor of at least 0 for every step, but after step {step} of {steps} \
         it gives {factor}"
    )]
    ScheduleFactor {
        /// The schedule's name.
        name: String,
        /// Steps completed before.
        step: u64,
        /// Steps of the whole run.
        steps: u64,
        /// What it gives.
        factor: f64,
    },
}
