//! What a reader changes in the weights by hand.

use std::collections::HashMap;

use qkv_inspect::Heads;
use qkv_model::random::{Purpose, stream};
use qkv_run::tensor_names::{W_K, W_O, W_Q, W_V};
use qkv_train::{Layer, Model};
use rand_distr::{Distribution, StandardNormal};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use crate::error::WebError;
use crate::session::Session;

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

/// A change of one matrix of a head. Heads that share keys and values share the change.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Edit {
    /// Another value of one cell.
    Cell {
        /// Which matrix.
        place: Place,
        /// Its row.
        row: usize,
        /// Its column, within the head.
        column: usize,
        /// The new value.
        value: f32,
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
}

/// The part of a parameter that belongs to a head.
struct Part {
    path: String,
    rows: usize,
    columns: usize,
    /// Of each cell, row by row, its index in the parameter.
    cells: Vec<usize>,
}

impl Session {
    /// Changes the weights. What the optimizer remembers stays, and so does the step.
    ///
    /// # Errors
    /// If there is no such matrix or cell, or a value is not finite; nothing changes then.
    pub fn edit(&mut self, edit: &Edit) -> Result<(), WebError> {
        let bytes = self.weights()?;
        let file = SafeTensors::deserialize(&bytes).expect("a weight file that was just written");
        let part = match edit {
            Edit::Cell { place, .. }
            | Edit::Matrix { place, .. }
            | Edit::Zero { place }
            | Edit::Noise { place, .. } => self.part(&file, place)?,
            Edit::ZeroHead { layer, head } => self.last_part(&file, *layer, *head)?,
        };
        let Part { path, rows, columns, cells } = part;
        let mut values = numbers(file.tensor(&path).expect("it was found there").data());
        match edit {
            Edit::Cell { row, column, value, .. } => {
                if *row >= rows || *column >= columns {
                    return Err(WebError::Edit(format!(
                        "`{path}` has {rows} rows and {columns} columns for a head, counted from 0; there is no cell in \
                         row {row} and column {column}"
                    )));
                }
                values[cells[row * columns + column]] = finite(*value)?;
            }
            Edit::Matrix { values: new, .. } => {
                if new.len() != cells.len() {
                    return Err(WebError::Edit(format!(
                        "`{path}` has {rows} rows and {columns} columns for a head: expected {} values, got {}",
                        cells.len(),
                        new.len()
                    )));
                }
                for (cell, value) in cells.iter().zip(new) {
                    values[*cell] = finite(*value)?;
                }
            }
            Edit::Zero { .. } | Edit::ZeroHead { .. } => cells.iter().for_each(|cell| values[*cell] = 0.0),
            Edit::Noise { size, seed, .. } => {
                let squares: f64 = cells.iter().map(|cell| f64::from(values[*cell]).powi(2)).sum();
                let deviation = finite(*size)? * (squares / cells.len().max(1) as f64).sqrt() as f32;
                let mut rng = stream(*seed, Purpose::Samples, &path, self.state.step);
                for cell in &cells {
                    let normal: f32 = StandardNormal.sample(&mut rng);
                    values[*cell] += deviation * normal;
                }
            }
        }
        let changed = with(&file, &path, &values);
        self.replace_model(changed)
    }

    /// Finds the matrix of a head.
    fn part(&self, file: &SafeTensors<'_>, place: &Place) -> Result<Part, WebError> {
        let Place { layer, head, matrix } = place;
        let layers = self.state.model.layers();
        let Some(Layer { path, n_heads, n_kv_heads, .. }) = layers.get(*layer) else {
            let message =
                format!("the model has {} layers, counted from 0; there is no layer {layer}", layers.len());
            return Err(WebError::Edit(message));
        };
        if head >= n_heads {
            let message =
                format!("layer {layer} has {n_heads} heads, counted from 0; there is no head {head}");
            return Err(WebError::Edit(message));
        }
        let heads = Heads { n_heads: *n_heads, n_kv_heads: *n_kv_heads };
        let (index, count) = match matrix.as_str() {
            W_Q | W_O => (*head, *n_heads),
            W_K | W_V => (heads.kv_head(*head), *n_kv_heads),
            other => {
                let message = format!("a matrix of a head is w_q, w_k, w_v or w_o, got `{other}`");
                return Err(WebError::Edit(message));
            }
        };
        let path = format!("{path}.{matrix}");
        let Ok(tensor) = file.tensor(&path) else {
            let message = format!("the model has no `{path}`: there the tokens themselves take its place");
            return Err(WebError::Edit(message));
        };
        let &[all_rows, all_columns] = tensor.shape() else {
            return Err(WebError::Edit(format!("`{path}` is no matrix: its shape is {:?}", tensor.shape())));
        };
        let (rows, columns, first_row, first_column) = match matrix.as_str() {
            W_O => (all_rows / count, all_columns, index * (all_rows / count), 0),
            _ => (all_rows, all_columns / count, 0, index * (all_columns / count)),
        };
        let cell = |row: usize| {
            (0..columns).map(move |column| (first_row + row) * all_columns + first_column + column)
        };
        Ok(Part { path, rows, columns, cells: (0..rows).flat_map(cell).collect() })
    }

    /// The matrix through which a head reaches the sum.
    fn last_part(&self, file: &SafeTensors<'_>, layer: usize, head: usize) -> Result<Part, WebError> {
        let of = |matrix: &str| self.part(file, &Place { layer, head, matrix: matrix.to_owned() });
        of(W_O).or_else(|_| of(W_V))
    }
}

fn finite(value: f32) -> Result<f32, WebError> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(WebError::Edit(format!("a cell must be a finite number, got {value}")))
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The file with other values of one tensor.
fn with(file: &SafeTensors<'_>, path: &str, values: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let views = file.tensors().into_iter().map(|(name, view)| {
        let view = match name == path {
            true => {
                TensorView::new(Dtype::F32, view.shape().to_vec(), &bytes).expect("as many values as before")
            }
            false => view,
        };
        (name, view)
    });
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata)).expect("the tensors of a weight file")
}
