//! The film of a run: a frame every few steps, one small file each.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Device;
use qkv_run::{RunError, RunFolder, StepReport};

use super::frame::FrameMaker;
use crate::error::TrainError;
use crate::model::Model;
use crate::stopwatch::Stopwatch;
use crate::task::{Example, Task};
use crate::training::{Costs, Next, Observer, State};

/// Saves a frame of the film every few steps and at every checkpoint. The page of [`qkv_run`] has its format. A frame
/// that cannot be written ends the film, not the training.
pub struct Snapshots<'a> {
    frames: FrameMaker<'a>,
    every: u64,
    run: RunFolder,
    /// Step of the newest frame that has maps.
    mapped_at: Option<u64>,
    seconds: f64,
    /// Called with the first frame that cannot be written.
    warn: Box<dyn FnMut(&FilmEnd) + 'a>,
    end: Option<FilmEnd>,
}

/// A film that could not be written on; the training goes on without it.
#[derive(Debug)]
pub struct FilmEnd {
    /// Step of the first frame that is missing.
    pub step: u64,
    /// Why it could not be written.
    pub reason: RunError,
}

impl<'a> Snapshots<'a> {
    /// Looks at `examples`, at least one, on `device` every `every` steps; never if that is 0.
    pub fn new(
        task: &'a dyn Task,
        examples: Vec<Example>,
        every: u64,
        device: &Device,
        run: &RunFolder,
    ) -> Self {
        Self {
            frames: FrameMaker::new(task, examples, device),
            every,
            run: run.clone(),
            mapped_at: None,
            seconds: 0.0,
            warn: Box::new(|_| {}),
            end: None,
        }
    }

    /// Calls `warn` once, where a frame cannot be written; the film ends before it.
    pub fn when_it_ends(self, warn: impl FnMut(&FilmEnd) + 'a) -> Self {
        Self { warn: Box::new(warn), ..self }
    }

    /// Where the film ended before the training, and why.
    pub fn end(&self) -> Option<&FilmEnd> {
        self.end.as_ref()
    }

    /// Time that was spent in it so far.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    fn is_due(&self, step: u64) -> bool {
        self.end.is_none() && self.every > 0 && step.is_multiple_of(self.every)
    }

    fn take<M: Model + Module>(&mut self, state: &State<M>, least_probes: usize) -> Result<(), TrainError> {
        let frame = self.frames.frame_of(state, least_probes)?;
        if frame.n_probes > 0 {
            self.mapped_at = Some(state.step);
        }
        if let Err(reason) = self.run.write_snapshot(state.step, &frame.bytes) {
            let end = self.end.insert(FilmEnd { step: state.step, reason });
            (self.warn)(end);
        }
        Ok(())
    }

    /// Runs `what` and counts its time.
    fn timed<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        let started = Stopwatch::start();
        let result = what(self);
        self.seconds += started.seconds();
        result
    }
}

impl<M: Model + Module> Observer<M> for Snapshots<'_> {
    /// The frame of a resumed step has what the update before it did, which no later process can see.
    fn start(&mut self, state: &State<M>) -> Result<(), TrainError> {
        let has_frame = self.run.snapshots().is_ok_and(|frames| frames.contains_key(&state.step));
        self.mapped_at = Some(state.step).filter(|&step| step > 0 && has_frame);
        Ok(())
    }

    fn gradients(&mut self, state: &State<M>, gradients: &GradientsParams) -> Result<(), TrainError> {
        if self.is_due(state.step + 1) {
            self.timed(|this| this.frames.keep_gradients(state, gradients));
        }
        Ok(())
    }

    fn step(&mut self, state: &State<M>, _report: &StepReport) -> Result<Next, TrainError> {
        if self.is_due(state.step) {
            self.timed(|this| this.take(state, 0))?;
        }
        Ok(Next::Continue)
    }

    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        if self.end.is_some() || self.every == 0 || self.mapped_at == Some(state.step) {
            return Ok(());
        }
        self.timed(|this| this.take(state, 1))
    }

    fn add_costs(&self, costs: &mut Costs) {
        costs.film_ended_at = self.end().map(|end| end.step);
        costs.snapshot_seconds = self.seconds;
    }
}
