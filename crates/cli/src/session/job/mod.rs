//! One training, from a checked config to its final figures: what `train` and `sweep` share.
//!
//! Here belongs the order in which that happens. What each observer does with a step, and what is printed after the
//! end, does not.

mod beginning;
#[cfg(test)]
mod faults;
mod figures;
mod following;
mod loading;
mod measuring;
mod watchers;

pub use figures::SAMPLE;

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use burn::tensor::Device;
use qkv_run::{Checkpoint, Environment, RunFolder};
use qkv_train::{
    AnyModel, Config, Ended, Experiment, Layer, Model, Notice, ObservedRun, Parts, Processes, RunObservers,
    SettingsLeftOut, State, Task, TrainError, Trained, Trainer, check_readable, load_checkpoint,
};

use crate::exit;
use crate::session::device::Machine;
use crate::session::environment::COMMIT;
use crate::session::interrupt::Interrupt;
use crate::session::memory;
use crate::session::notices::Notices;
use crate::session::outcome::{Outcome, Output};
use beginning::Beginning;
use watchers::Watchers;

/// A checked training: its config, task and model fit together, and nothing was created.
pub struct Job {
    pub config: Config,
    pub task: Arc<dyn Task>,
    parts: Parts,
    observers: RunObservers,
    /// With its initial weights.
    pub model: AnyModel,
    /// See [`Experiment::left_out`].
    pub left_out: Vec<SettingsLeftOut>,
    /// What a run without checkpoints begins with, unless it is that model at step 0.
    first_state: Option<State<AnyModel>>,
    device: Device,
    environment: Environment,
    stop_after: Option<u64>,
}

impl Job {
    /// Builds the model of an experiment, if its training fits into memory; see [`memory::check`].
    pub fn prepare(experiment: &Experiment, machine: &Machine, max_memory: Option<u64>) -> Result<Self> {
        let (device, environment) = (machine.device.clone().autodiff(), machine.environment());
        // Before the weights are drawn, as far as that is possible.
        let before = experiment.memory();
        if let Some(estimate) = &before {
            memory::check(estimate, machine.memory, max_memory)?;
        }
        let model = experiment.model(&device)?;
        if !before.is_some_and(|estimate| estimate.is_whole()) {
            memory::check(&experiment.memory_of(&model), machine.memory, max_memory)?;
        }
        let (config, task) = (experiment.config.clone(), Arc::clone(&experiment.task));
        let parts = experiment.parts.clone();
        check_readable(&model, &*parts.optimizer, &config, &*task)?;
        // The trainer draws an example of each split and refuses what cannot be drawn.
        Trainer::with_parts(model.clone(), &*task, parts.clone(), &device)?;
        let (observers, left_out) = (experiment.observers.clone(), experiment.left_out.clone());
        let (first_state, stop_after) = (None, None);
        Ok(Self {
            config,
            task,
            parts,
            observers,
            model,
            left_out,
            first_state,
            device,
            environment,
            stop_after,
        })
    }

    /// Goes on when every process has prepared the same training, and there is work for each; called on all of them.
    ///
    /// # Errors
    /// If one has other settings or another task, or there are more than shards of a batch.
    pub fn check_processes(&self, processes: &dyn Processes) -> Result<()> {
        let (model, parts) = (self.model.clone(), self.parts.clone());
        Trainer::with_parts(model, &*self.task, parts, &self.device)?.across(processes)?;
        Ok(())
    }

    /// The attention layers, each with what keeps its training from the fused kernels.
    pub fn layers(&self) -> Vec<Layer> {
        let mut layers = self.model.layers();
        if self.parts.loss.inputs().attention_weights {
            let reason = Some("the loss reads attention weights");
            layers.iter_mut().for_each(|layer| layer.reference_reason = layer.reference_reason.or(reason));
        }
        layers
    }

    /// Ends after this many steps, without changing the schedule.
    pub fn stop_after(self, stop_after: Option<u64>) -> Self {
        Self { stop_after, ..self }
    }

    /// Begins with other weights than those that the seed decides.
    pub fn with_model(self, model: AnyModel) -> Self {
        Self { model, ..self }
    }

    /// Begins with the state of another run; the checkpoint of it is then the first of this one.
    pub fn with_state_of(mut self, checkpoint: &Checkpoint) -> Result<Self> {
        self.first_state = Some(self.state_at(checkpoint)?);
        Ok(self)
    }

    fn state_at(&self, checkpoint: &Checkpoint) -> Result<State<AnyModel>, TrainError> {
        load_checkpoint(checkpoint, self.model.clone(), &*self.parts.optimizer, &self.device)
    }

    /// What its observers see of the run before it is trained.
    fn observed<'a>(
        &'a self,
        folder: &'a RunFolder,
        goes_on_after: Option<u64>,
        notify: &'a dyn Fn(&Notice<'_>),
    ) -> ObservedRun<'a> {
        let Self { config, task, parts, device, environment, .. } = self;
        let (environment, commit) = (Some(environment), COMMIT);
        ObservedRun { config, task, parts, folder, device, environment, commit, goes_on_after, notify }
    }

    /// Trains in `folder`, from the best of these checkpoints that is whole; the first of several processes does, and the
    /// others [`follow`](Self::follow).
    pub fn run(
        &self,
        folder: &RunFolder,
        from: &[Checkpoint],
        output: Output,
        interrupt: &mut Interrupt,
        processes: &dyn Processes,
    ) -> Result<Outcome> {
        let started = Instant::now();
        let Beginning { trainer, goes_on_after } = self.begin(folder, from, output, processes)?;
        let notices = Notices::new(output);
        let notify = |notice: &Notice<'_>| notices.notify(notice);
        let observed = self.observed(folder, goes_on_after, &notify);
        let mut watchers = Watchers::new(self, &observed, output, interrupt)?.since(started);
        let trained = watchers.train(trainer, interrupt);
        let trained = trained.map_err(|error| exit::of_training(error, folder, self.config.optimizer.lr));
        let outcome = trained.and_then(|trained| self.end(trained, &mut watchers, interrupt, processes));
        let left = watchers.leave_the_screen();
        notices.leave_the_screen();
        // What ended the training counts more than a screen that cannot be written.
        let outcome = outcome?;
        left?;
        Ok(outcome)
    }

    /// The figures of a trained model, or the signal that keeps them from being measured.
    fn end(
        &self,
        Trained { state, ended }: Trained<AnyModel>,
        watchers: &mut Watchers<'_>,
        interrupt: &Interrupt,
        processes: &dyn Processes,
    ) -> Result<Outcome> {
        let figures = match (&ended, interrupt.agreed(processes)?) {
            (Ended::Stopped, Some(_)) => ControlFlow::Break(()),
            _ => self.figures(&state.model.valid(), watchers.measuring(&state, interrupt), processes)?,
        };
        let step = state.step;
        Ok(match figures {
            ControlFlow::Continue(figures) => {
                let done = watchers.end(ended, step, figures)?;
                watchers.stay(&state, &done.evaluation);
                Outcome::Done(Box::new(done))
            }
            // Everything is saved, and a resumed run computes the figures.
            ControlFlow::Break(()) => {
                let code = interrupt.exit_code().expect("only a signal ends a job so");
                Outcome::Interrupted { step, code: ExitCode::from(code) }
            }
        })
    }
}
