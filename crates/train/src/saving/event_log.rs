//! The observer that logs a run.

use std::io::Write;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
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
    /// The evaluations that the log has of a step from an earlier process.
    evaluated: (u64, Vec<Evaluation>),
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
        Self { out, run: run.clone(), info: info.clone(), saved_at: None, evaluated: (0, Vec::new()) }
    }

    /// Goes on with the log of a run at the step of one of its checkpoints; `events` are those so far. What died with
    /// the process that saved it is reported here; where it is replaced, it is not reported again, and neither is an
    /// evaluation that was logged and is missing in the checkpoint, unless it has a figure that was not asked for then.
    ///
    /// # Errors
    /// If a line cannot be written.
    pub fn going_on_after(mut self, step: u64, events: &[Event]) -> Result<Self, TrainError> {
        if !events.iter().any(|event| matches!(event, Event::Saved { step: saved, .. } if *saved == step)) {
            self.report_saved(step)?;
        }
        self.saved_at = Some(step);
        let evaluated = events.iter().filter_map(|event| match event {
            Event::Eval { split: EvaluatedOn::Validation, step: at, evaluation } if *at == step => {
                Some(evaluation.clone())
            }
            _ => None,
        });
        self.evaluated = (step, evaluated.collect());
        Ok(self)
    }

    /// Whether the log has every figure of an evaluation, on as many examples.
    fn has(&self, step: u64, evaluation: &Evaluation) -> bool {
        let has_all = |logged: &Evaluation| {
            logged.examples == evaluation.examples
                && evaluation.names().all(|name| logged.figure(name).is_some())
        };
        self.evaluated.0 == step && self.evaluated.1.iter().any(has_all)
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

/// Number of scalars that an optimizer updates.
fn n_learned<M: Module>(model: &M) -> u64 {
    struct Learned(usize);

    impl ModuleVisitor for Learned {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                self.0 += param.val().shape().num_elements();
            }
        }
    }

    let mut learned = Learned(0);
    model.visit(&mut learned);
    learned.0 as u64
}

impl<M: Module, W: Write> Observer<M> for EventLog<W> {
    fn start(&mut self, state: &State<M>) -> Result<(), TrainError> {
        let RunInfo { task, seed, steps, environment } = self.info.clone();
        let (step, parameters) = (state.step, state.model.num_params() as u64);
        let learned = Some(n_learned(&state.model));
        let path = self.run.path().display().to_string();
        let environment = environment.map(Box::new);
        self.write(&Event::Start { step, task, seed, steps, parameters, learned, path, environment })
    }

    fn step(&mut self, _state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        self.write(&Event::Step(report.clone()))?;
        Ok(Next::Continue)
    }

    fn evaluated(&mut self, state: &State<M>, evaluation: &Evaluation) -> Result<(), TrainError> {
        let (split, step) = (EvaluatedOn::Validation, state.step);
        if self.has(step, evaluation) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use qkv_run::Existing;

    #[test]
    fn an_evaluation_is_logged_again_for_a_figure_that_was_not_asked_for_before()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let run = RunFolder::create(&folder.path().join("run"), "seed = 0\n", Existing::Keep)?;
        let info = RunInfo { task: "reverse".to_owned(), seed: 0, steps: 9, environment: None };
        let with_accuracy =
            Evaluation { loss: 0.5, examples: 8, ..Evaluation::default() }.with(Evaluation::ACCURACY, 0.25);
        let split = EvaluatedOn::Validation;
        let logged = Event::Eval { split, step: 3, evaluation: with_accuracy.clone() };
        let mut out = Vec::new();
        let log = EventLog::new(&mut out, &run, &info).going_on_after(3, &[logged])?;
        assert!(log.has(3, &with_accuracy));
        assert!(log.has(3, &Evaluation { accuracy: f64::NAN, ..with_accuracy.clone() }));
        assert!(!log.has(4, &with_accuracy));
        assert!(!log.has(3, &Evaluation { examples: 9, ..with_accuracy.clone() }));
        assert!(!log.has(3, &with_accuracy.with("top_3", 0.75)));
        Ok(())
    }
}
