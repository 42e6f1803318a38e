//! Weights out of a session and into one, as the file that a checkpoint has.

use qkv_train::{AnyModel, OptimizerState, weights_from_bytes, weights_to_bytes};

use crate::error::WebError;
use crate::frozen::Frozen;
use crate::session::Session;

/// Their name in messages.
const WEIGHTS: &str = "model.safetensors";

impl Session {
    /// The bytes that a checkpoint of this state has as its `model.safetensors`.
    ///
    /// # Errors
    /// If the model holds what no such file can.
    pub fn weights(&self) -> Result<Vec<u8>, WebError> {
        Ok(weights_to_bytes(&self.state.model, WEIGHTS.as_ref())?)
    }

    /// Takes other weights, and begins at step 0 with them.
    ///
    /// # Errors
    /// If the bytes are no safetensors file, or do not have exactly the parameters of the model; nothing changes then.
    pub fn load_weights(&mut self, bytes: Vec<u8>) -> Result<(), WebError> {
        self.state.model = self.model_of(bytes)?;
        self.state.step = 0;
        self.state.optimizer = OptimizerState::default();
        (self.begins_at, self.loss, self.evaluated) = (0, None, None);
        self.frozen = Frozen::default();
        self.frames.forget();
        Ok(())
    }

    /// The model with the weights of a file.
    pub(crate) fn model_of(&self, bytes: Vec<u8>) -> Result<AnyModel, WebError> {
        Ok(weights_from_bytes(self.state.model.clone(), bytes, WEIGHTS.as_ref())?)
    }
}
