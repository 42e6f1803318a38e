//! The built-in tasks, as a config file names them.

use serde::{Deserialize, Serialize};

use super::{Copy, Recall, Reverse, Sort, Task};
use crate::error::TrainError;

/// The `[task]` table of a config file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum TaskConfig {
    /// See [`Reverse`].
    Reverse(Reverse),
    /// See [`struct@Copy`].
    Copy(Copy),
    /// See [`Sort`].
    Sort(Sort),
    /// See [`Recall`].
    Recall(Recall),
}

impl TaskConfig {
    /// The task, checked.
    ///
    /// # Errors
    /// If one of its sizes is out of range.
    pub fn build(&self) -> Result<Box<dyn Task>, TrainError> {
        Ok(match self.clone() {
            Self::Reverse(task) => task.check().map(|()| Box::new(task) as Box<dyn Task>)?,
            Self::Copy(task) => task.check().map(|()| Box::new(task))?,
            Self::Sort(task) => task.check().map(|()| Box::new(task))?,
            Self::Recall(task) => task.check().map(|()| Box::new(task))?,
        })
    }
}
