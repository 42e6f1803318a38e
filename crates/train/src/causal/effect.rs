//! The effect of a change inside the model on its answers.

use qkv_run::Evaluation;
use serde::Serialize;

/// Results on the same examples, before and after a change inside the model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// Of the model as it is.
    pub before: Evaluation,
    /// Of the changed one.
    pub after: Evaluation,
}

impl Effect {
    /// How much the loss has grown, in nats.
    pub fn loss_change(&self) -> f64 {
        self.after.loss - self.before.loss
    }

    /// How much the accuracy has grown; negative where it fell.
    pub fn accuracy_change(&self) -> f64 {
        self.after.accuracy - self.before.accuracy
    }
}
