//! How long a run is, how much it sees at once, and what happens on the way.

use qkv_model::Choice;
use qkv_run::Evaluation;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// The `[train]` table of a config file. A run that goes on may have another `keep`, `checkpoint_every` and
/// `snapshot_every`, and without `stop_at` another `eval_every`, `eval_examples`, `metrics` and `stop_metric`: none
/// changes what it learns; see [`qkv_run::changes_of_meaning`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Number of optimizer steps.
    pub steps: u64,
    /// Examples per step.
    pub batch_size: usize,
    /// Into how many parts the batch of a step is cut, sizes differing by one at most; 1 where it is left out. Each gives
    /// its gradient by itself, so that less memory is needed at once, and several processes may share the work. The sum
    /// depends on it in its last bits.
    #[serde(default = "one")]
    pub shards: usize,
    /// Steps between two evaluations on the validation split.
    pub eval_every: u64,
    /// Examples of each such evaluation.
    pub eval_examples: u64,
    /// Steps between two checkpoints; the start and the end are always saved.
    pub checkpoint_every: u64,
    /// How many of the newest checkpoints are kept, beside the first and the one with the lowest held-out loss.
    pub keep: u64,
    /// Steps between two frames of the film that `qkv report` shows; checkpoints are frames too. From 10 on, the first five
    /// of these intervals have five times as many, because most is learned there. 0 keeps none.
    pub snapshot_every: u64,
    /// Value of `stop_metric` on the validation split at which, or beyond which, training stops early; 0 never stops
    /// early.
    pub stop_at: f64,
    /// The figure that `stop_at` is compared with: `loss`, or a number of one of the `metrics`. Where it is another than
    /// `sequence_accuracy`, which it is by default, the best checkpoint is so by this figure instead of the loss.
    #[serde(default = "sequence_accuracy")]
    pub stop_metric: String,
    /// What an evaluation measures beside the loss, by names in the [`Registry`](crate::Registry): `accuracy` and
    /// `sequence-accuracy` where it is left out.
    #[serde(default = "metrics")]
    pub metrics: Vec<Choice>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            steps: 500,
            batch_size: 128,
            shards: one(),
            eval_every: 100,
            eval_examples: 1000,
            checkpoint_every: 500,
            keep: 3,
            snapshot_every: 20,
            stop_at: 0.0,
            stop_metric: sequence_accuracy(),
            metrics: metrics(),
        }
    }
}

/// The metrics of every evaluation before a config could name them.
pub(crate) const ACCURACY: &str = "accuracy";
pub(crate) const SEQUENCE_ACCURACY: &str = "sequence-accuracy";

fn one() -> usize {
    1
}

fn metrics() -> Vec<Choice> {
    [ACCURACY, SEQUENCE_ACCURACY].map(Choice::new).to_vec()
}

fn sequence_accuracy() -> String {
    Evaluation::SEQUENCE_ACCURACY.to_owned()
}

/// A batch of more examples is a typing error; it bounds the memory that one step can ask for.
const MAX_BATCH: usize = 1 << 20;

impl TrainConfig {
    pub(super) fn check(&self) -> Result<(), TrainError> {
        for (key, value) in [
            ("train.steps", self.steps),
            ("train.eval_every", self.eval_every),
            ("train.eval_examples", self.eval_examples),
            ("train.checkpoint_every", self.checkpoint_every),
            ("train.keep", self.keep),
        ] {
            TrainError::check_number(key, value, "at least 1", value >= 1)?;
        }
        TrainError::between("train.batch_size", self.batch_size, 1, MAX_BATCH)?;
        let (most, fits) = (self.batch_size, (1..=self.batch_size).contains(&self.shards));
        let expected = format!("between 1 and train.batch_size, which is {most}");
        TrainError::in_range(fits, "train.shards", expected, self.shards)?;
        let is_share =
            [Evaluation::ACCURACY, Evaluation::SEQUENCE_ACCURACY].contains(&self.stop_metric.as_str());
        let (range, fits) = match is_share {
            true => ("between 0 and 1", (0.0..=1.0).contains(&self.stop_at)),
            false => ("a number", true),
        };
        TrainError::check_number("train.stop_at", self.stop_at, range, fits)
    }
}
