//! A process of a training that is not the first: it computes its share, and writes and prints nothing.

use std::process::ExitCode;

use anyhow::Result;
use burn::module::Module;
use qkv_train::{Ended, OptimizerState, Processes, State, Trained, Trainer, share_state};

use super::Job;
use super::beginning::Begins;
use crate::exit;
use crate::processes::from_first;
use crate::session::interrupt::Interrupt;

impl Job {
    /// Trains along with the first process, from its state to its end.
    pub fn follow(&self, processes: &dyn Processes, interrupt: &mut Interrupt) -> Result<ExitCode> {
        let (model, parts) = (self.model.clone(), self.parts.clone());
        let trainer = Trainer::with_parts(model, &*self.task, parts, &self.device)?.across(processes)?;
        let own = State { step: 0, model: self.model.clone(), optimizer: OptimizerState::default() };
        let state = share_state(own, &*self.parts.optimizer, &self.device, processes)?;
        let trainer = match from_first(processes)? {
            Begins::New => trainer.begin_with(state),
            Begins::Evaluated => trainer.resume(state),
            Begins::Unevaluated => trainer.resume_unevaluated(state),
        };
        let trained = trainer.stop_after(self.stop_after).observe(interrupt).run();
        let Trained { state, ended } = trained.map_err(exit::of_a_share)?;
        // In the order of `Job::run`.
        if let (Ended::Stopped, Some(code)) = (&ended, interrupt.agreed(processes)?) {
            return Ok(ExitCode::from(code));
        }
        let evaluation = self.test(&state.model.valid(), processes, &mut |_| interrupt.go_on())?;
        let code = if evaluation.is_break() { interrupt.agreed(processes)? } else { None };
        Ok(code.map_or(ExitCode::SUCCESS, ExitCode::from))
    }
}
