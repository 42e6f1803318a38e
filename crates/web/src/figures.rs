//! How good the model is as it stands.

use std::ops::ControlFlow;

use burn::module::Module;
use qkv_train::{AnyModel, Evaluation, Examples, Experiment, HeldOut, Split};

use crate::error::WebError;
use crate::session::Session;

impl Session {
    /// Evaluates on the validation split, as the config has it.
    ///
    /// # Errors
    /// If the split is empty.
    pub fn evaluate(&self) -> Result<Evaluation, WebError> {
        self.evaluation_of(&self.state.model)
    }

    /// The figures of the model as it is: those of the last evaluation where it was of this state, and otherwise of one
    /// now. The next [`moment`](Self::moment) has them.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn figures(&mut self) -> Result<Evaluation, WebError> {
        let step = self.state.step;
        if let Some((_, figures)) = self.evaluated.as_ref().filter(|(at, _)| *at == step) {
            return Ok(figures.clone());
        }
        let figures = self.evaluate()?;
        self.evaluated = Some((step, figures.clone()));
        Ok(figures)
    }

    /// The examples of an evaluation.
    pub(crate) fn held_out(&self) -> HeldOut<'_> {
        let Experiment { task, config, .. } = &self.experiment;
        let examples = Examples { task: &**task, seed: config.seed, split: Split::Validation };
        HeldOut { examples, n_examples: config.train.eval_examples }
    }

    pub(crate) fn evaluation_of(&self, model: &AnyModel) -> Result<Evaluation, WebError> {
        let (parts, mut go_on) = (&self.experiment.parts, |_| Ok(ControlFlow::Continue(())));
        let measures = parts.measures();
        match self.held_out().evaluate_while(&model.valid(), measures, &self.device, &mut go_on)? {
            ControlFlow::Continue(evaluation) => Ok(evaluation),
            ControlFlow::Break(_) => unreachable!("nothing asks for an end"),
        }
    }

    /// Takes a changed model in the middle of the run. No batch has a loss of it yet: its loss is the one on held-out
    /// examples.
    pub(crate) fn edited(&mut self, model: AnyModel, figures: Evaluation) {
        let step = self.state.step;
        self.state.model = model;
        self.loss = Some((step, figures.loss));
        self.evaluated = Some((step, figures));
        self.frames.forget();
    }
}
