//! Which positions of an input an attention layer reads.

use std::ops::Range;

use crate::task::Task;

/// The part of an input's positions that asks in an attention layer, or that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// All of them.
    Whole,
    /// Those of the source of a pair.
    Source,
    /// Those behind it, where the answer stands.
    Answer,
}

impl Side {
    /// The positions in an input of a task.
    ///
    /// ```
    /// use qkv_train::{ConfigSource, Registry, Side};
    ///
    /// let experiment = Registry::new().read(ConfigSource::Task("dates"), &["train.steps=20"])?;
    /// let task = &*experiment.task;
    /// assert_eq!(Side::Source.positions(task).end, Side::Answer.positions(task).start);
    /// # Ok::<(), qkv_train::TrainError>(())
    /// ```
    pub fn positions(self, task: &dyn Task) -> Range<usize> {
        match self {
            Self::Whole => 0..task.seq_len(),
            Self::Source => 0..task.source_len(),
            Self::Answer => task.source_len()..task.seq_len(),
        }
    }
}
