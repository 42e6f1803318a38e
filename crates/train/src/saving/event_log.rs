//! The observer that logs a run.

use std::io::Write;
use std::path::Path;

use burn::module::Module;
use qkv_run::{CustomReport, Environment, EvaluatedOn, Evaluation, Event, RunFolder, StepReport};

use crate::error::TrainError;
use crate::training::{Ended, Next, Observer, State};

/// Writes every event of a run to a file or to the terminal.
pub struct EventLog<W> {
    out: W,
    run: RunFolder,
    info: RunInfo,
    /// Step of the newest checkpoint that the log reports.
    saved_at: Option<u64>,
    /// Step and number of examples of an evaluation that the log has from an earlier process.
    evaluated: Option<(u64, u64)>,
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
        Self { out, run: run.clone(), info: info.clone(), saved_at: None, evaluated: None }
    }

    /// Goes on with the log of a run at the step of one of its checkpoints; `events` are those so far. What died with
    /// the process that saved it is reported here; where it is replaced, it is not reported again, and neither is an
    /// evaluation that was logged and is missing in the checkpoint.
    ///
    /// # Errors
    /// If a line cannot be written.
    pub fn going_on_after(mut self, step: u64, events: &[Event]) -> Result<Self, TrainError> {
        if !events.iter().any(|event| matches!(event, Event::Saved { step: saved, .. } if *saved == step)) {
            self.report_saved(step)?;
        }
        self.saved_at = Some(step);
        self.evaluated = events.iter().rev().find_map(|event| match event {
            Event::Eval { split: EvaluatedOn::Validation, step: at, evaluation } if *at == step => {
                Some((step, evaluation.examples))
            }
            _ => None,
        });
        Ok(self)
    }

    fn report_saved(&mut self, step: u64) -> Result<(), TrainError> {
        let path = self.run.checkpoint(step).folder.display().to_string();
        self.write(&Event::Saved { step, path })?;
        self.saved_at = Some(step);
        Ok(())
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
        self.write(&Event::Step(report.clone()))?;
        Ok(Next::Continue)
    }

    fn evaluated(&mut self, state: &State<M>, evaluation: &Evaluation) -> Result<(), TrainError> {
        let (split, step) = (EvaluatedOn::Validation, state.step);
        if self.evaluated == Some((step, evaluation.examples)) {
            return Ok(());
        }
        self.write(&Event::Eval { split, step, evaluation: evaluation.clone() })
    }

    fn reported(&mut self, _state: &State<M>, report: &CustomReport) -> Result<(), TrainError> {
        self.write(&Event::Custom(report.clone()))
    }

    fn saved(&mut self, state: &State<M>) -> Result<Next, TrainError> {
        if self.saved_at != Some(state.step) {
            self.report_saved(state.step)?;
        }
        Ok(Next::Continue)
    }

    /// A run that was stopped is not at its end.
    fn done(&mut self, ended: &Ended, event: &Event) -> Result<(), TrainError> {
        if *ended == Ended::Stopped { Ok(()) } else { self.write(event) }
    }
}
