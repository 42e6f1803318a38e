//! All observers of a run, and what becomes of the run if one of them fails.

use std::ops::ControlFlow;

use qkv_run::CustomReport;

use super::observer::{Next, Observer, State};
use crate::error::TrainError;
use crate::measure::EvaluationProgress;

/// The observers, and what they have saved.
pub(super) struct Observers<'a, M> {
    list: Vec<&'a mut dyn Observer<M>>,
    /// Step of the last state that was saved, or loaded.
    saved_at: Option<u64>,
    /// Step of the last state whose reports were shared, or that was loaded.
    reported_at: Option<u64>,
}

impl<'a, M> Observers<'a, M> {
    /// `loaded`: the step of a state that came from a checkpoint of this run.
    pub(super) fn new(list: Vec<&'a mut dyn Observer<M>>, loaded: Option<u64>) -> Self {
        Self { list, saved_at: loaded, reported_at: loaded }
    }

    /// Calls `hook` on all of them, also after the error of one: what it missed would be missing in the checkpoint that is
    /// then tried. Returns the first error.
    pub(super) fn notify(
        &mut self,
        state: &State<M>,
        mut hook: impl FnMut(&mut dyn Observer<M>) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let results = self.list.iter_mut().map(|observer| hook(&mut **observer));
        let result = results.fold(Ok(()), Result::and);
        self.save_after(result, state)
    }

    /// Passes on what observers report of their own.
    pub(super) fn share_reports(&mut self, state: &State<M>) -> Result<(), TrainError> {
        let result = self.share(state);
        self.save_after(result, state)
    }

    /// After an error, tries a checkpoint of a state that has none, with the reports that belong before it: a run that
    /// goes on from there asks for none again. The first error is the one to return, also where another follows.
    fn save_after(&mut self, result: Result<(), TrainError>, state: &State<M>) -> Result<(), TrainError> {
        if result.is_err() && self.saved_at != Some(state.step) {
            if self.reported_at != Some(state.step) {
                let _ = self.share(state);
            }
            let _ = self.save(state);
        }
        result
    }

    /// What one observer reports, or fails at, keeps none of the others from reporting or from hearing of it.
    fn share(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.reported_at = Some(state.step);
        let (mut reports, mut result) = (Vec::new(), Ok(()));
        for observer in &mut self.list {
            match observer.report(state) {
                Ok(report) => reports.extend(report),
                Err(error) => result = result.and(Err(error)),
            }
        }
        for report in reports {
            let report = CustomReport { step: state.step, ..report };
            for observer in &mut self.list {
                result = result.and(observer.reported(state, &report));
            }
        }
        result
    }

    /// Saves a checkpoint, and returns what the observers then ask for. Where one of them cannot save, the others still
    /// do.
    pub(super) fn save(&mut self, state: &State<M>) -> Result<Next, TrainError> {
        self.saved_at = Some(state.step);
        let saved = self.list.iter_mut().map(|observer| observer.checkpoint(state));
        saved.fold(Ok(()), Result::and)?;
        let mut next = Next::Continue;
        // Where one cannot report what was saved, those behind it do not go on as if it were reported.
        for observer in &mut self.list {
            next = next.max(observer.saved(state)?);
        }
        Ok(next)
    }

    /// Saves unless this step is saved.
    pub(super) fn save_once(&mut self, state: &State<M>) -> Result<(), TrainError> {
        if self.saved_at == Some(state.step) { Ok(()) } else { self.save(state).map(drop) }
    }

    /// Whether an evaluation of `state` goes on.
    pub(super) fn ask(
        &mut self,
        state: &State<M>,
        progress: EvaluationProgress,
    ) -> Result<ControlFlow<()>, TrainError> {
        let mut answer = ControlFlow::Continue(());
        self.notify(state, |observer| {
            if observer.evaluating(state, progress)?.is_break() {
                answer = ControlFlow::Break(());
            }
            Ok(())
        })?;
        Ok(answer)
    }
}
