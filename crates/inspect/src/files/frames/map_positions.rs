//! Rows and columns that are a part of an input's positions: which, and without the padding behind them.

use std::ops::Range;

use qkv_run::{MapPositions, ProbeLabels};

use crate::error::InspectError;
use crate::files::frames::snapshot::AttentionMap;
use crate::files::frames::trace::LayerTrace;
use crate::matrix::dense::Matrix;

/// The positions that the rows and columns of a layer are; `None` where they are all of them.
///
/// # Errors
/// What is wrong with them, in words.
pub(super) fn positions_of<'a>(
    labels: &'a ProbeLabels,
    layer: &str,
) -> Result<Option<&'a MapPositions>, String> {
    let Some(positions) = labels.layers.get(layer) else { return Ok(None) };
    let n_tokens = labels.tokens.len();
    for (name, Range { start, end }) in [("queries", &positions.queries), ("keys", &positions.keys)] {
        if start >= end || *end > n_tokens {
            return Err(format!(
                "{name} of {} are {start}..{end}, expected some of {n_tokens} positions",
                layer.escape_debug()
            ));
        }
    }
    Ok(Some(positions))
}

impl AttentionMap {
    /// A map whose rows and columns are all positions of an input.
    pub fn new(layer: impl Into<String>, head: usize, weights: Matrix) -> Self {
        Self { layer: layer.into(), head, weights, positions: None }
    }

    /// Of labels for all positions those of its queries; `None` where there are not as many.
    pub fn query_labels<'a>(&self, labels: &'a [String]) -> Option<&'a [String]> {
        part(labels, self.positions.as_ref().map(|positions| &positions.queries), self.weights.rows())
    }

    /// Of labels for all positions those of its keys; `None` where there are not as many.
    pub fn key_labels<'a>(&self, labels: &'a [String]) -> Option<&'a [String]> {
        part(labels, self.positions.as_ref().map(|positions| &positions.keys), self.weights.columns())
    }

    /// Whether its queries and its keys are the same positions.
    pub fn is_of_one_sequence(&self) -> bool {
        match &self.positions {
            Some(positions) => positions.are_of_one_sequence(),
            None => self.weights.rows() == self.weights.columns(),
        }
    }

    /// The same map without padding.
    pub(super) fn at(self, positions: Option<&MapPositions>) -> Result<Self, InspectError> {
        let Some(positions) = positions else { return Ok(self) };
        let weights = cut(self.weights, Some(&positions.queries), Some(&positions.keys), &self.layer)?;
        let weights = match positions.are_of_one_sequence() {
            true => weights,
            false => weights.with_axes("answer", "source"),
        };
        Ok(Self { weights, positions: Some(positions.clone()), ..self })
    }
}

impl LayerTrace {
    /// The same trace without padding.
    pub(super) fn at(self, positions: Option<&MapPositions>) -> Result<Self, InspectError> {
        let Some(MapPositions { queries, keys }) = positions else { return Ok(self) };
        let Self { layer, x, source, mut heads } = self;
        let rows = |matrix: Option<Matrix>, rows| {
            matrix.map(|matrix| cut(matrix, Some(rows), None, &layer)).transpose()
        };
        let both = |matrix: Option<Matrix>| {
            matrix.map(|matrix| cut(matrix, Some(queries), Some(keys), &layer)).transpose()
        };
        for head in &mut heads {
            head.q = rows(head.q.take(), queries)?;
            head.k = rows(head.k.take(), keys)?;
            head.v = rows(head.v.take(), keys)?;
            head.scores = both(head.scores.take())?;
            head.scaled = both(head.scaled.take())?;
            head.context = rows(head.context.take(), queries)?;
        }
        Ok(Self { x: rows(x, queries)?, source: rows(source, keys)?, heads, layer })
    }
}

fn part<'a>(labels: &'a [String], positions: Option<&Range<usize>>, length: usize) -> Option<&'a [String]> {
    let labels = match positions {
        Some(positions) => labels.get(positions.clone())?,
        None => labels,
    };
    (labels.len() == length).then_some(labels)
}

/// The first rows and columns, as many as there are positions; all where none are given.
fn cut(
    matrix: Matrix,
    rows: Option<&Range<usize>>,
    columns: Option<&Range<usize>>,
    layer: &str,
) -> Result<Matrix, InspectError> {
    let counts = [rows, columns].map(|positions| positions.map(Range::len));
    let [n_rows, n_columns] = [counts[0].unwrap_or(matrix.rows()), counts[1].unwrap_or(matrix.columns())];
    if n_rows > matrix.rows() || n_columns > matrix.columns() {
        return Err(InspectError::WrongShape {
            name: layer.to_owned(),
            shape: matrix.size().to_vec(),
            expected: "as many rows and columns of its maps and its trace as it has positions in the metadata `probes`",
        });
    }
    Ok(matrix.slice_rows(0..n_rows).slice_columns(0..n_columns))
}
