//! What happens in a run as JSON, one object a line: the format of `metrics.jsonl` and of `qkv train --json`.

use std::io::Write;
use std::path::Path;

use burn::module::Module;
use serde::Serialize;

use super::run_folder::RunFolder;
use crate::error::TrainError;
use crate::measure::Evaluation;
use crate::task::Baseline;
use crate::training::{Next, Observer, State, StepReport};

/// One line.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event<'a> {
    /// Before the first step, and before the first of those that are still to do in a resumed run.
    Start {
        /// Steps completed before.
        step: u64,
        /// The task's name.
        task: &'a str,
        /// Seed of the run.
        seed: u64,
        /// Steps of the whole run.
        steps: u64,
        /// Number of scalars in the model.
        parameters: usize,
        /// The run folder.
        path: &'a Path,
    },
    /// After a step.
    Step(StepReport),
    /// After an evaluation on the validation split.
    Eval {
        /// Steps completed.
        step: u64,
        /// What was found.
        #[serde(flatten)]
        evaluation: Evaluation,
    },
    /// After a checkpoint.
    Saved {
        /// Steps completed.
        step: u64,
        /// The checkpoint's folder.
        path: &'a Path,
    },
    /// At the end, on the test split.
    Done {
        /// Steps completed.
        step: u64,
        /// What was found.
        #[serde(flatten)]
        evaluation: Evaluation,
        /// What simpler models reach on the same targets, where the task has any to compare with.
        #[serde(skip_serializing_if = "<[Baseline]>::is_empty")]
        baselines: &'a [Baseline],
        /// What the model writes by itself, where the task has a prompt.
        #[serde(skip_serializing_if = "Option::is_none")]
        sample: Option<&'a str>,
        /// Wall time of the whole run.
        seconds: f64,
        /// The part of it that went into the frames of the film.
        snapshot_seconds: f64,
        /// The run folder.
        path: &'a Path,
    },
}

/// Writes every event of a run to a file or to the terminal.
pub struct EventLog<W> {
    out: W,
    run: RunFolder,
    info: RunInfo,
}

/// What the first event says of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInfo {
    /// The task's name.
    pub task: String,
    /// Seed of the run.
    pub seed: u64,
    /// Steps of the whole run.
    pub steps: u64,
}

impl<W: Write> EventLog<W> {
    /// Logs the run in `run` to `out`.
    pub fn new(out: W, run: &RunFolder, info: &RunInfo) -> Self {
        Self { out, run: run.clone(), info: info.clone() }
    }

    /// Writes one line and flushes it, so that whoever follows the log sees it now.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&mut self, event: &Event<'_>) -> Result<(), TrainError> {
        let line = serde_json::to_string(event).expect("events are numbers and names");
        writeln!(self.out, "{line}")
            .and_then(|()| self.out.flush())
            .map_err(TrainError::io("write", Path::new("the event log")))
    }
}

impl<M: Module, W: Write> Observer<M> for EventLog<W> {
    fn start(&mut self, state: &State<M>) -> Result<(), TrainError> {
        let RunInfo { task, seed, steps } = self.info.clone();
        let (step, parameters) = (state.step, state.model.num_params());
        let path = self.run.path().to_owned();
        self.write(&Event::Start { step, task: &task, seed, steps, parameters, path: &path })
    }

    fn step(&mut self, _state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        self.write(&Event::Step(*report))?;
        Ok(Next::Continue)
    }

    fn evaluated(&mut self, state: &State<M>, evaluation: &Evaluation) -> Result<(), TrainError> {
        self.write(&Event::Eval { step: state.step, evaluation: *evaluation })
    }

    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        let path = self.run.checkpoint(state.step);
        self.write(&Event::Saved { step: state.step, path: &path })
    }
}
