//! How a training begins, or goes on: its first state, and the log of its run.

use std::io::Write;

use anyhow::Result;
use qkv_run::{Checkpoint, EvaluatedOn, Event, RunFolder};
use qkv_train::{AnyModel, OptimizerState, Processes, State, Trainer, share_state};
use serde::{Deserialize, Serialize};

use super::Job;
use super::loading::newest_whole;
use crate::output::stdout::Stdout;
use crate::processes::to_others;
use crate::session::notices::{print_changes, print_missing, print_set_aside};
use crate::session::outcome::Output;

/// A training before its first step; the log of its run is open.
pub struct Beginning<'a> {
    pub trainer: Trainer<'a, AnyModel>,
    /// The step of the checkpoint after which the run goes on.
    pub goes_on_after: Option<u64>,
}

/// What the first state of a training is, for the processes that take it from the first.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Begins {
    /// Not saved in this run.
    New,
    /// Saved after the evaluation of its step.
    Evaluated,
    /// Saved before it.
    Unevaluated,
}

impl Job {
    /// Goes on from the best of these checkpoints that is whole; begins the run where there are none.
    pub(super) fn begin<'a>(
        &'a self,
        folder: &RunFolder,
        from: &[Checkpoint],
        output: Output,
        processes: &'a dyn Processes,
    ) -> Result<Beginning<'a>> {
        let trainer = Trainer::with_parts(self.model.clone(), &*self.task, self.parts.clone(), &self.device)?;
        let trainer = trainer.stop_after(self.stop_after).across(processes)?;
        let loaded = newest_whole(folder, from, |checkpoint| self.state_at(checkpoint))?;
        let first_step = loaded.as_ref().or(self.first_state.as_ref()).map(|state| state.step);
        if processes.size() > 1 {
            let of_seed =
                || State { step: 0, model: self.model.clone(), optimizer: OptimizerState::default() };
            let state = loaded.clone().or_else(|| self.first_state.clone()).unwrap_or_else(of_seed);
            share_state(state, &*self.parts.optimizer, &self.device, processes)?;
        }
        let beginning = match loaded {
            Some(state) => {
                let (beginning, begins) = self.go_on(folder, state, trainer)?;
                to_others(processes, &begins)?;
                beginning
            }
            None => {
                folder.create_metrics()?;
                to_others(processes, &Begins::New)?;
                let trainer = match &self.first_state {
                    Some(state) => trainer.begin_with(state.clone()),
                    None => trainer,
                };
                Beginning { trainer, goes_on_after: None }
            }
        };
        if let Some(step) = first_step.filter(|_| output.is_text()) {
            writeln!(Stdout::of_a_training(), "going on after step {step}\n")?;
        }
        Ok(beginning)
    }

    fn go_on<'a>(
        &self,
        folder: &RunFolder,
        state: State<AnyModel>,
        trainer: Trainer<'a, AnyModel>,
    ) -> Result<(Beginning<'a>, Begins)> {
        let (step, events) = (state.step, folder.events()?);
        self.warn_of_changes(&events);
        let rewound = folder.rewind(step)?;
        print_set_aside(&rewound.set_aside, step);
        print_missing(&rewound.missing);
        let is_logged = events.iter().any(|event| {
            matches!(event, Event::Eval { split: EvaluatedOn::Validation, step: at, .. } if *at == step)
        });
        // A process may have died between the two. Checkpoints of the format before manifests have no evaluation.
        let checkpoint = folder.checkpoint(step);
        let is_in_it = !checkpoint.manifest().is_file() || checkpoint.description()?.evaluation.is_some();
        let is_evaluated = is_logged && is_in_it;
        let (trainer, begins) = match is_evaluated {
            true => (trainer.resume(state), Begins::Evaluated),
            false => (trainer.resume_unevaluated(state), Begins::Unevaluated),
        };
        Ok((Beginning { trainer, goes_on_after: Some(step) }, begins))
    }

    /// A run that goes on elsewhere may get other bytes.
    fn warn_of_changes(&self, events: &[Event]) {
        let before = events.iter().rev().find_map(|event| match event {
            Event::Start { environment, .. } => Some(environment.as_ref()),
            _ => None,
        });
        print_changes(before.flatten().map(Box::as_ref), &self.environment);
    }
}
