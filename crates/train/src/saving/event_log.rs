//! The observer that logs a run.

use std::io::Write;
use std::path::Path;

use burn::module::Module;
use qkv_run::{Environment, EvaluatedOn, Evaluation, Event, RunFolder, StepReport};

use crate::error::TrainError;
use crate::training::{Next, Observer, State};

/// Writes every event of a run to a file or to the terminal.
pub struct EventLog<W> {
    out: W,
    run: RunFolder,
    info: RunInfo,
}

/// The first event of a run, as far as the config decides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInfo {
    /// The task's name.
    pub task: String,
    /// Seed of the run.
    pub seed: u64,
    /// Steps of the whole run.
    pub steps: u64,
    /// What computes it, if that is known.
    pub environment: Option<Environment>,
}

impl<W: Write> EventLog<W> {
    /// Logs the run in `run` to `out`.
    pub fn new(out: W, run: &RunFolder, info: &RunInfo) -> Self {
        Self { out, run: run.clone(), info: info.clone() }
    }

    /// Writes one line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&mut self, event: &Event) -> Result<(), TrainError> {
        event.write(&mut self.out).map_err(|error| match error.downcast() {
            // That of a file names it.
            Ok(error) => TrainError::Run(error),
            Err(error) => TrainError::io("write", Path::new("the event log"))(error),
        })
    }
}

impl<M: Module, W: Write> Observer<M> for EventLog<W> {
    fn start(&mut self, state: &State<M>) -> Result<(), TrainError> {
        let RunInfo { task, seed, steps, environment } = self.info.clone();
        let (step, parameters) = (state.step, state.model.num_params() as u64);
        let path = self.run.path().display().to_string();
        let environment = environment.map(Box::new);
        self.write(&Event::Start { step, task, seed, steps, parameters, path, environment })
    }

    fn step(&mut self, _state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        self.write(&Event::Step(*report))?;
        Ok(Next::Continue)
    }

    fn evaluated(&mut self, state: &State<M>, evaluation: &Evaluation) -> Result<(), TrainError> {
        let (split, step) = (EvaluatedOn::Validation, state.step);
        self.write(&Event::Eval { split, step, evaluation: *evaluation })
    }

    fn saved(&mut self, state: &State<M>) -> Result<Next, TrainError> {
        let path = self.run.checkpoint(state.step).folder.display().to_string();
        self.write(&Event::Saved { step: state.step, path })?;
        Ok(Next::Continue)
    }
}
