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

/// Intervals at the beginning of a film that have more frames, and how many times as many. `reverse`, which has a frame
/// every twenty steps, learns what it learns in its first 100 of 500: these are more than half of its frames then.
const EARLY_INTERVALS: u64 = 5;
const EARLY_FRAMES: u64 = 5;

/// Shorter intervals show enough of the beginning.
const LEAST_DIVIDED: u64 = 10;

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

/// Whether a frame belongs at `step`: at the end of each interval, and early at every fifth part of one, rounded down. It
/// depends on the step alone, so that a run which goes on takes the frames of one that was never stopped.
fn has_frame(every: u64, step: u64) -> bool {
    let (interval, past) = (step / every, step % every);
    let is_divided = interval < EARLY_INTERVALS && every >= LEAST_DIVIDED;
    // `part * every / EARLY_FRAMES`, which could be too large.
    let part_of = |part: u64| part * (every / EARLY_FRAMES) + part * (every % EARLY_FRAMES) / EARLY_FRAMES;
    past == 0 || is_divided && (1..EARLY_FRAMES).any(|part| part_of(part) == past)
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
        self.end.is_none() && self.every > 0 && has_frame(self.every, step)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_is_dense_where_most_is_learned() {
        let steps =
            |every: u64, end: u64| -> Vec<u64> { (0..=end).filter(|step| has_frame(every, *step)).collect() };
        assert_eq!(steps(20, 500).len(), 25 + 21);
        assert_eq!(steps(10, 80)[20..], [40, 42, 44, 46, 48, 50, 60, 70, 80]);
        // Intervals that have no whole fifth part are divided as evenly as may be, and keep their ends.
        assert_eq!(steps(16, 96)[..7], [0, 3, 6, 9, 12, 16, 19]);
        assert_eq!(steps(16, 96)[20..], [64, 67, 70, 73, 76, 80, 96]);
        assert_eq!(steps(12, 24), [0, 2, 4, 7, 9, 12, 14, 16, 19, 21, 24]);
        assert_eq!(steps(9, 30), [0, 9, 18, 27]);
        assert_eq!(steps(u64::MAX, 10), [0]);
    }
}
