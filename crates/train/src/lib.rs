//! What to learn and how: toy sequence tasks, and the loop that fits a model to them by back-propagation.
//!
//! Start at [`Trainer`]; its loop reads from top to bottom. A [`Task`] or [`Model`] of your own takes the place of a
//! built-in one everywhere. This crate prints nothing and picks no device.

mod batch;
mod checkpoint;
mod clip;
mod config;
mod error;
mod evaluate;
mod loss;
mod metrics;
mod model;
mod observer;
mod optimizer;
mod run_folder;
mod snapshot;
mod task;
mod trainer;

pub use batch::Batch;
pub use checkpoint::{Checkpoints, load_weights, save_weights};
pub use clip::clip_global_norm;
pub use config::{
    Config, ConfigSource, OptimizerConfig, Recipe, ScheduleConfig, ScheduleKind, StepsConfig, task_names,
};
pub use error::TrainError;
pub use evaluate::{Evaluation, evaluate, evaluate_exactly};
pub use metrics::{Event, EventLog};
pub use model::Model;
pub use observer::{Next, Observer, State, StepReport};
pub use run_folder::{Existing, RunFolder};
pub use snapshot::{Probe, save_snapshot};
pub use task::{Copy, Example, Examples, Recall, Reverse, Sort, Split, Task, TaskConfig, draw};
pub use trainer::{Ended, Trained, Trainer};

/// The README's code is tested with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
