//! What a reader changes in the weights by hand: the edits, and how the session takes them.
//!
//! `part.rs` finds the cells of a head, `vector.rs` the smallest change that moves a vector.

mod part;
mod vector;

use qkv_model::random::{Purpose, stream};
use qkv_run::Evaluation;
use qkv_run::tensor_names::{W_K, W_O, W_Q, W_V};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::error::WebError;
use crate::session::Session;
use part::{Part, Weights};

/// A matrix of a head, as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Place {
    /// Index of the layer.
    pub layer: usize,
    /// Index of the query head.
    pub head: usize,
    /// `w_q`, `w_k`, `w_v` or `w_o`.
    pub matrix: String,
}

impl Place {
    /// Another matrix of the same head.
    fn of(layer: usize, head: usize, matrix: &str) -> Self {
        Self { layer, head, matrix: matrix.to_owned() }
    }
}

/// A new value of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct CellValue {
    /// Its row.
    pub row: usize,
    /// Its column, within the head.
    pub column: usize,
    /// What it becomes.
    pub value: f32,
}

/// A change of the matrices of a head. Heads that share keys and values share the change.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Edit {
    /// Other values of some cells.
    Cells {
        /// Of which matrix.
        place: Place,
        /// Which cells; of a cell that is named twice the last value counts.
        cells: Vec<CellValue>,
    },
    /// Other values of all its cells.
    Matrix {
        /// Which matrix.
        place: Place,
        /// Row by row.
        values: Vec<f32>,
    },
    /// Zero everywhere.
    Zero {
        /// Which matrix.
        place: Place,
    },
    /// Zero in a row: what reads one component of x.
    ZeroRow {
        /// Of which matrix.
        place: Place,
        /// Which row.
        row: usize,
    },
    /// Zero in a column: what makes one component of the vectors.
    ZeroColumn {
        /// Of which matrix.
        place: Place,
        /// Which column, within the head.
        column: usize,
    },
    /// Zero in what the head adds to the sum: its rows of W_O, or W_V where there is no W_O.
    ZeroHead {
        /// Index of the layer.
        layer: usize,
        /// Index of the query head.
        head: usize,
    },
    /// Random numbers on top.
    Noise {
        /// Which matrix.
        place: Place,
        /// Standard deviation, in units of the root mean square of the cells.
        size: f32,
        /// Decides the numbers.
        seed: u64,
    },
    /// W_Q and W_K change places, and with them their biases: a query becomes what its key was, and the other way round.
    Swap {
        /// Index of the layer.
        layer: usize,
        /// Index of the query head.
        head: usize,
    },
    /// A matrix stays what it is from here on while all else learns, or learns again: of all heads, which share one matrix.
    /// Its values do not change by this.
    Freeze {
        /// Which matrix.
        place: Place,
        /// Whether it is frozen.
        frozen: bool,
    },
    /// Another query, key or value at one position of an input that the page shows, by the smallest change of its matrix:
    ///
    /// ```text
    /// W' = W + xᵀ (wanted - x W - b) / ‖x‖²
    /// ```
    ///
    /// Of all matrices with `x W' + b = wanted` this one is the closest to `W`, by the Frobenius norm: rows that are
    /// orthogonal to `x` give what they gave before.
    ///
    /// # Shapes
    /// - `x`: `[1, d_in]`, the input of the layer at that position, after the norm where one stands before the layer
    /// - `W`, `W'`: `[d_in, d_k]`, or `[d_in, d_v]` for W_V
    /// - `wanted`, `b`: `[1, d_k]`, or `[1, d_v]` for W_V; no `b` where the layer has none
    Vector {
        /// Which matrix: W_Q for a query, W_K for a key, W_V for a value.
        place: Place,
        /// Of which position.
        position: usize,
        /// What the vector is to be.
        values: Vec<f32>,
        /// Index of the input, of those that the page shows.
        input: usize,
    },
}

/// The figures of an edit, on the held-out examples of the session's own evaluation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Edited {
    /// Updates made so far, which stay.
    pub step: u64,
    /// Of the model as it was.
    pub before: Evaluation,
    /// Of the changed one.
    pub after: Evaluation,
}

impl Session {
    /// Changes the weights, and measures what that has done. What the optimizer remembers stays, and so does the step.
    ///
    /// ```
    /// use qkv_web::{Edit, Place, Session};
    ///
    /// let mut session = Session::of_task("letters", &["train.eval_examples=50"])?;
    /// session.step(500)?;
    /// let place = Place { layer: 0, head: 0, matrix: "w_q".to_owned() };
    /// let edited = session.edit(&Edit::Zero { place })?;
    /// // Without queries all scores are zero, and all keys alike: an even map in the place of the head's own is the same.
    /// let even = session.wanted_map(0, 0, 0, &[1.0; 16])?;
    /// assert_eq!((even.here.cross_entropy, &even.held_out.before), (even.here.entropy, &even.held_out.after));
    /// // What is left is a guess among the other three letters of the input. Who guesses the most frequent one is right in
    /// // 9 of 16 cases; the runs of eight seeds were so in 0.53 to 0.65 of these examples, with a loss of 1.4 to 2.3.
    /// assert_eq!(edited.before.accuracy, 1.0);
    /// assert!(edited.after.accuracy < 0.7 && edited.after.loss > 1.0 && edited.before.loss < 0.01);
    /// # Ok::<(), qkv_web::WebError>(())
    /// ```
    ///
    /// # Errors
    /// If there is no such matrix, cell, position or input, a value is not finite, or a vector is not what a matrix makes;
    /// nothing changes then.
    pub fn edit(&mut self, edit: &Edit) -> Result<Edited, WebError> {
        let bytes = self.weights()?;
        let mut weights = Weights::of(&bytes);
        if let Edit::Freeze { place, frozen } = edit {
            let (path, figures) = (self.part(&weights, place)?.path, self.figures()?);
            self.frozen.set(path, *frozen);
            return Ok(Edited { step: self.state.step, before: figures.clone(), after: figures });
        }
        self.change(edit, &mut weights)?;
        let model = self.model_of(weights.into_bytes())?;
        let before = self.figures()?;
        let after = self.evaluation_of(&model)?;
        self.edited(model, after.clone());
        Ok(Edited { step: self.state.step, before, after })
    }

    fn change(&self, edit: &Edit, weights: &mut Weights<'_>) -> Result<(), WebError> {
        match edit {
            Edit::Cells { place, cells } => {
                let part = self.part(weights, place)?;
                for CellValue { row, column, value } in cells {
                    let cell = part.cell(*row, *column)?;
                    weights.of_path(&part.path)[cell] = finite(*value)?;
                }
            }
            Edit::Matrix { place, values } => {
                let part = self.part(weights, place)?;
                let Part { path, rows, columns, cells } = &part;
                if values.len() != cells.len() {
                    return Err(WebError::Edit(format!(
                        "`{path}` has {rows} rows and {columns} columns for a head: expected {} values, got {}",
                        cells.len(),
                        values.len()
                    )));
                }
                for (cell, value) in cells.iter().zip(values) {
                    weights.of_path(path)[*cell] = finite(*value)?;
                }
            }
            Edit::Zero { place } => self.part(weights, place)?.clear(weights),
            Edit::ZeroRow { place, row } => self.part(weights, place)?.row(*row)?.clear(weights),
            Edit::ZeroColumn { place, column } => self.part(weights, place)?.column(*column)?.clear(weights),
            Edit::ZeroHead { layer, head } => {
                let of = |matrix| self.part(weights, &Place::of(*layer, *head, matrix));
                of(W_O).or_else(|_| of(W_V))?.clear(weights);
            }
            Edit::Noise { place, size, seed } => {
                let Part { path, cells, .. } = self.part(weights, place)?;
                let values = weights.of_path(&path);
                let squares: f64 = cells.iter().map(|cell| f64::from(values[*cell]).powi(2)).sum();
                let deviation = finite(*size)? * (squares / cells.len().max(1) as f64).sqrt() as f32;
                let mut rng = stream(*seed, Purpose::Samples, &path, self.state.step);
                for cell in cells {
                    let normal: f32 = StandardNormal.sample(&mut rng);
                    values[cell] += deviation * normal;
                }
            }
            Edit::Swap { layer, head } => {
                let [q, k] = [W_Q, W_K].map(|matrix| self.part(weights, &Place::of(*layer, *head, matrix)));
                let (q, k) = (q?, k?);
                weights.swap(&q, &k);
                if let (Some(q), Some(k)) = (self.bias_of(weights, &q), self.bias_of(weights, &k)) {
                    weights.swap(&q, &k);
                }
            }
            Edit::Freeze { .. } => {}
            Edit::Vector { place, position, values, input } => {
                let part = self.part(weights, place)?;
                let change = self.vector_change(place, (*input, *position), values)?;
                for (cell, change) in part.cells.iter().zip(change) {
                    let value = &mut weights.of_path(&part.path)[*cell];
                    *value = (f64::from(*value) + change) as f32;
                }
            }
        }
        Ok(())
    }
}

fn finite(value: f32) -> Result<f32, WebError> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(WebError::Edit(format!("a cell must be a finite number, got {value}")))
}
