//! The part of a weight file that belongs to a head.

use std::collections::{BTreeMap, HashMap};

use qkv_inspect::Heads;
use qkv_run::tensor_names::{B_K, B_Q, W_K, W_O, W_Q, W_V};
use qkv_train::{Layer, Model};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::Place;
use crate::error::WebError;
use crate::session::Session;

/// The part of a parameter that belongs to a head.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) path: String,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Of each cell, row by row, its index in the parameter.
    pub(super) cells: Vec<usize>,
}

impl Part {
    /// The index of a cell in the parameter.
    pub(super) fn cell(&self, row: usize, column: usize) -> Result<usize, WebError> {
        if row < self.rows && column < self.columns {
            return Ok(self.cells[row * self.columns + column]);
        }
        Err(self.lacks(&format!("cell in row {row} and column {column}")))
    }

    /// One of its rows.
    pub(super) fn row(self, row: usize) -> Result<Self, WebError> {
        if row >= self.rows {
            return Err(self.lacks(&format!("row {row}")));
        }
        let cells = self.cells[row * self.columns..][..self.columns].to_vec();
        Ok(Self { rows: 1, cells, ..self })
    }

    /// One of its columns.
    pub(super) fn column(self, column: usize) -> Result<Self, WebError> {
        if column >= self.columns {
            return Err(self.lacks(&format!("column {column}")));
        }
        let cells = self.cells.iter().skip(column).step_by(self.columns).copied().collect();
        Ok(Self { columns: 1, cells, ..self })
    }

    /// Makes it zero.
    pub(super) fn clear(&self, weights: &mut Weights<'_>) {
        let values = weights.of_path(&self.path);
        self.cells.iter().for_each(|cell| values[*cell] = 0.0);
    }

    fn lacks(&self, what: &str) -> WebError {
        let Self { path, rows, columns, .. } = self;
        WebError::Edit(format!(
            "`{path}` has {rows} rows and {columns} columns for a head, counted from 0; there is no {what}"
        ))
    }
}

/// A weight file, and the parameters that are changed in it.
pub(super) struct Weights<'a> {
    file: SafeTensors<'a>,
    changed: BTreeMap<String, Vec<f32>>,
}

impl<'a> Weights<'a> {
    /// Of a file that was just written.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let file = SafeTensors::deserialize(bytes).expect("a weight file that was just written");
        Self { file, changed: BTreeMap::new() }
    }

    /// The values of a parameter that is there, to be changed.
    pub(super) fn of_path(&mut self, path: &str) -> &mut [f32] {
        let Self { file, changed } = self;
        changed.entry(path.to_owned()).or_insert_with(|| {
            let tensor = file.tensor(path).expect("it was found there");
            tensor.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        })
    }

    /// Two parts of one size change places.
    pub(super) fn swap(&mut self, one: &Part, other: &Part) {
        for (here, there) in one.cells.iter().zip(&other.cells) {
            let (a, b) = (self.of_path(&one.path)[*here], self.of_path(&other.path)[*there]);
            self.of_path(&one.path)[*here] = b;
            self.of_path(&other.path)[*there] = a;
        }
    }

    /// The file with what was changed.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let changed: BTreeMap<String, Vec<u8>> = self
            .changed
            .into_iter()
            .map(|(path, values)| (path, values.iter().flat_map(|value| value.to_le_bytes()).collect()))
            .collect();
        let views = self.file.tensors().into_iter().map(|(name, view)| {
            let view = match changed.get(&name) {
                Some(bytes) => TensorView::new(Dtype::F32, view.shape().to_vec(), bytes)
                    .expect("as many values as before"),
                None => view,
            };
            (name, view)
        });
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        safetensors::serialize(views, Some(metadata)).expect("the tensors of a weight file")
    }

    fn shape(&self, path: &str) -> Option<Vec<usize>> {
        self.file.tensor(path).ok().map(|tensor| tensor.shape().to_vec())
    }
}

impl Session {
    /// The heads of a layer and its path, once the head is known to be there.
    pub(crate) fn heads_of(&self, layer: usize, head: usize) -> Result<(Heads, String), WebError> {
        let layers = self.state.model.layers();
        let Some(Layer { path, n_heads, n_kv_heads, .. }) = layers.get(layer) else {
            let message =
                format!("the model has {} layers, counted from 0; there is no layer {layer}", layers.len());
            return Err(WebError::Edit(message));
        };
        if head >= *n_heads {
            let message =
                format!("layer {layer} has {n_heads} heads, counted from 0; there is no head {head}");
            return Err(WebError::Edit(message));
        }
        Ok((Heads { n_heads: *n_heads, n_kv_heads: *n_kv_heads }, path.clone()))
    }

    /// Finds the matrix of a head.
    pub(super) fn part(&self, weights: &Weights<'_>, place: &Place) -> Result<Part, WebError> {
        let Place { layer, head, matrix } = place;
        let (heads, path) = self.heads_of(*layer, *head)?;
        let (index, count) = match matrix.as_str() {
            W_Q | W_O => (*head, heads.n_heads),
            W_K | W_V => (heads.kv_head(*head), heads.n_kv_heads),
            other => {
                let message = format!("a matrix of a head is w_q, w_k, w_v or w_o, got `{other}`");
                return Err(WebError::Edit(message));
            }
        };
        let path = format!("{path}.{matrix}");
        let Some(shape) = weights.shape(&path) else {
            let message = format!("the model has no `{path}`: there the tokens themselves take its place");
            return Err(WebError::Edit(message));
        };
        let &[all_rows, all_columns] = &shape[..] else {
            return Err(WebError::Edit(format!("`{path}` is no matrix: its shape is {shape:?}")));
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

    /// The bias that belongs to the columns of W_Q or W_K; `None` where the layer has none.
    pub(super) fn bias_of(&self, weights: &Weights<'_>, of: &Part) -> Option<Part> {
        let (layer, matrix) = of.path.rsplit_once('.')?;
        let path = format!("{layer}.{}", if matrix == W_Q { B_Q } else { B_K });
        weights.shape(&path)?;
        // The first row of the part has the columns of the head.
        let cells = of.cells[..of.columns].to_vec();
        Some(Part { path, rows: 1, columns: of.columns, cells })
    }
}
