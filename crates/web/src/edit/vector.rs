//! The smallest change of a matrix that makes a vector what a reader wants.

use burn::module::Module;
use burn::tensor::Tensor;
use qkv_model::{Hook, Intermediate, Mode, Stage};
use qkv_run::tensor_names::{W_K, W_Q, W_V};
use qkv_train::{Batch, Model};

use super::Place;
use crate::error::WebError;
use crate::session::Session;

impl Session {
    /// `xᵀ (wanted - x W - b) / ‖x‖²`, `[d_in, d_k]` row by row, for a position of an input that the page shows.
    pub(super) fn vector_change(
        &self,
        place: &Place,
        (input, position): (usize, usize),
        wanted: &[f32],
    ) -> Result<Vec<f64>, WebError> {
        let Place { layer, head, matrix } = place;
        let (heads, _) = self.heads_of(*layer, *head)?;
        let layers = self.state.model.layers();
        let [queries, keys] = [layers[*layer].queries, layers[*layer].keys];
        let (name, stage, compared_as, head, side) = match matrix.as_str() {
            W_Q => ("query", Stage::Queries, Some(Intermediate::ComparedQueries), *head, queries),
            W_K => ("key", Stage::Keys, Some(Intermediate::ComparedKeys), heads.kv_head(*head), keys),
            W_V => ("value", Stage::Values, None, heads.kv_head(*head), keys),
            other => {
                let message = format!("a vector is made by w_q, w_k or w_v, got `{other}`");
                return Err(WebError::Edit(message));
            }
        };
        let task = &*self.experiment.task;
        let (inputs, n_positions) = (self.examples(), side.positions(task).len());
        let Some(example) = inputs.get(input) else {
            let message =
                format!("the page shows {} inputs, counted from 0; there is no input {input}", inputs.len());
            return Err(WebError::Edit(message));
        };
        if position >= n_positions {
            let message = format!(
                "this layer has a {name} at {n_positions} positions, counted from 0; there is no position {position}"
            );
            return Err(WebError::Edit(message));
        }
        let batch = Batch::new(task, std::slice::from_ref(example), &self.device.clone().without_autodiff())?;
        let mut seen =
            Seen { layer: *layer, stage, compared_as, x: None, source: None, made: None, compared: None };
        let shown = self.state.model.valid().features_with(batch.tokens, Mode::Evaluate, &mut seen);
        // In cross-attention keys and values are made of something else than queries.
        let x = if matrix == W_Q { seen.x } else { seen.source.or(seen.x) };
        let (Some(_), Some(x), Some(made)) = (shown, x, seen.made) else {
            let message = "the model does not show what its matrices are given; change a cell instead";
            return Err(WebError::Edit(message.to_owned()));
        };
        let (x, made) = (row(&x, 0, position), row(&made, head, position));
        if seen.compared.is_some_and(|compared| row(&compared, head, position) != made) {
            return Err(WebError::Edit(format!(
                "the {name} that is shown is not x times a matrix: a norm, a rotation by its position or the score changes \
                 it afterwards, so that no arrow can be dragged; change a cell, or set `model.qk_norm` to false and \
                 `model.positions` to another scheme than rope"
            )));
        }
        if wanted.len() != made.len() {
            return Err(WebError::Edit(format!(
                "a {name} of this layer has {} components, got {}",
                made.len(),
                wanted.len()
            )));
        }
        if let Some(value) = wanted.iter().find(|value| !value.is_finite()) {
            return Err(WebError::Edit(format!("a {name} must have finite components, got {value}")));
        }
        let length = x.iter().map(|x| x * x).sum::<f64>();
        if length == 0.0 {
            return Err(WebError::Edit(format!(
                "x is zero at position {position}, where every matrix makes the same {name}; take another position"
            )));
        }
        let missing: Vec<f64> = wanted.iter().zip(&made).map(|(&w, made)| f64::from(w) - made).collect();
        Ok(x.iter().flat_map(|x| missing.iter().map(move |missing| x * missing / length)).collect())
    }
}

/// A row of a head of the first example.
fn row(x: &Tensor<4>, head: usize, position: usize) -> Vec<f64> {
    x.clone().narrow(0, 0, 1).narrow(1, head, 1).narrow(2, position, 1).into_data().iter::<f64>().collect()
}

/// What a layer computes on the way to its vectors.
struct Seen {
    layer: usize,
    stage: Stage,
    /// What becomes of them, where they are compared.
    compared_as: Option<Intermediate>,
    x: Option<Tensor<4>>,
    source: Option<Tensor<4>>,
    made: Option<Tensor<4>>,
    compared: Option<Tensor<4>>,
}

impl Hook for Seen {
    fn at(&mut self, layer: usize, stage: Stage, x: Tensor<4>) -> Tensor<4> {
        if (layer, stage) == (self.layer, self.stage) {
            self.made = Some(x.clone());
        }
        x
    }

    fn see(&mut self, layer: usize, what: Intermediate, x: &Tensor<4>) {
        if layer != self.layer {
            return;
        }
        if what == Intermediate::Input {
            self.x = Some(x.clone());
        } else if what == Intermediate::Source {
            self.source = Some(x.clone());
        } else if Some(what) == self.compared_as {
            self.compared = Some(x.clone());
        }
    }
}
