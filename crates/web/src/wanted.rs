//! What the model would do if a head had the attention map that a reader draws.

use burn::module::Module;
use qkv_train::{Effect, Forcing, Layer, Model, Side, TrainError, WantedMap, WithMap};
use serde::Serialize;

use crate::error::WebError;
use crate::session::Session;

/// A model with a drawn map against itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Wanted {
    /// Updates made.
    pub step: u64,
    /// On one of the inputs that the page shows.
    pub here: WithMap,
    /// On the held-out examples of the session's own evaluation.
    pub held_out: Effect,
}

impl Session {
    /// What the model would answer if a head of a layer had the attention weights `weights`, `[seq_len * seq_len]` row by
    /// row, on every input; [`WantedMap`] has the equation. Of the inputs that the page shows it is tried on number
    /// `input`. Nothing is changed.
    ///
    /// ```
    /// use qkv_web::Session;
    ///
    /// let mut session = Session::of_task("letters", &["train.eval_examples=50"])?;
    /// session.step(500)?;
    /// // The right map of `reverse` is the anti-diagonal, and a learned model is not worse off with it.
    /// let anti_diagonal: Vec<f32> = (0..16).map(|cell| if cell / 4 + cell % 4 == 3 { 1.0 } else { 0.0 }).collect();
    /// let wanted = session.wanted_map(0, 0, 0, &anti_diagonal)?;
    /// assert!(wanted.held_out.after.accuracy > 0.95);
    /// // The diagonal gives every token itself.
    /// let diagonal: Vec<f32> = (0..16).map(|cell| if cell % 5 == 0 { 1.0 } else { 0.0 }).collect();
    /// assert!(session.wanted_map(0, 0, 0, &diagonal)?.held_out.after.accuracy < 0.5);
    /// # Ok::<(), qkv_web::WebError>(())
    /// ```
    ///
    /// # Errors
    /// If there is no such layer, head or input, the layer reads a part of its positions, there are not as many weights,
    /// one is negative or not finite, or one is on a key that the mask hides from its query.
    pub fn wanted_map(
        &self,
        layer: usize,
        head: usize,
        input: usize,
        weights: &[f32],
    ) -> Result<Wanted, WebError> {
        self.heads_of(layer, head)?;
        let examples = self.examples();
        let Some(example) = examples.get(input) else {
            let message = format!(
                "the page shows {} inputs, counted from 0; there is no input {input}",
                examples.len()
            );
            return Err(WebError::Edit(message));
        };
        let is_of_one_sequence = |layer: &Layer| [layer.queries, layer.keys] == [Side::Whole; 2];
        if !self.state.model.layers().get(layer).is_some_and(is_of_one_sequence) {
            let message = "a map is drawn for a model of one sequence: of a source and its answer, each input has other \
                           lengths; choose another task, or set `model.name` to transformer";
            return Err(WebError::Edit(message.to_owned()));
        }
        let refused = |error: TrainError| WebError::Edit(error.to_string());
        let task = &*self.experiment.task;
        let map = WantedMap::new(layer, head, task.seq_len(), weights).map_err(refused)?;
        let model = self.state.model.valid();
        let forcing = Forcing::new(&model, task, self.experiment.parts.measures(), &self.device);
        let here = forcing.example(&map, example).map_err(refused)?;
        let held_out = forcing.held_out(&map, self.held_out()).map_err(refused)?;
        Ok(Wanted { step: self.state.step, here, held_out })
    }
}
