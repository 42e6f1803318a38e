//! How much of a run a page has room for.

use qkv_run::tensor_names::{W_K, W_Q};

use crate::files::layers::matrices;
use crate::film::frame::Frame;
use crate::film::page::matrix_data::{MAX_CELLS, n_cells, n_circuit_values};
use crate::film::page::quantized::Bits;
use crate::film::page::trace_data;
use crate::matrix::dense::Matrix;
use crate::number::grouped;

/// Values that all matrices or all maps together may have: about 11 MB as a page.
pub(crate) const MAX_VALUES: usize = 4_000_000;

impl Frame {
    /// How many frames of this size make a page of four million values, about 11 MB.
    pub fn max_on_page(&self) -> usize {
        MAX_VALUES / n_values(self).max(1)
    }
}

/// What a page has room for beside matrices, circuits and maps.
pub(crate) struct Room {
    /// For the gradients of the matrices.
    pub gradients: bool,
    /// For the traces of the probe inputs.
    pub traces: bool,
    /// What is missing for a lack of room, in sentences.
    pub left_out: Vec<String>,
}

impl Room {
    /// Traces come first: the page draws every product with them, and gradients as colours.
    pub(crate) fn of(frames: &[Frame]) -> Self {
        let sum = |values: fn(&Frame) -> usize| frames.iter().map(values).sum::<usize>();
        let rest = MAX_VALUES.saturating_sub(sum(n_values));
        let (n_gradients, n_traces) = (sum(n_gradient_values), sum(n_trace_values));
        let traces = n_traces <= rest;
        let gradients = n_gradients <= rest - if traces { n_traces } else { 0 };
        let left_out = |has_room: bool, what: &str, n: usize| {
            (!has_room)
                .then(|| format!("This page has no room for {what} of all frames, {} numbers.", grouped(n)))
        };
        let sentences = [
            left_out(traces, "queries, keys and values", n_traces),
            left_out(gradients, "the gradients", n_gradients),
        ];
        Self { gradients, traces, left_out: sentences.into_iter().flatten().collect() }
    }
}

fn n_gradient_values(frame: &Frame) -> usize {
    matrices(&frame.gradients).map(|(_, _, _, matrix)| n_drawn(matrix)).sum()
}

fn n_trace_values(frame: &Frame) -> usize {
    frame.probes.iter().map(trace_data::n_values).sum()
}

/// The room that a matrix takes which is only drawn, in values of 16 bits.
fn n_drawn(matrix: &Matrix) -> usize {
    let n_cells = n_cells(matrix.size(), MAX_CELLS);
    if Bits::of_drawn(matrix).are_sixteen() { n_cells } else { n_cells / 2 }
}

/// Values that a page needs for a frame: matrices, W_Q and W_K twice because of the gauge, circuits, and maps.
fn n_values(frame: &Frame) -> usize {
    let cells = |matrix: &Matrix| n_cells(matrix.size(), MAX_CELLS);
    let balanced = |name, matrix: &Matrix| if [W_Q, W_K].contains(&name) { n_drawn(matrix) } else { 0 };
    let of_matrices =
        matrices(&frame.layers).map(|(_, _, name, matrix)| cells(matrix) + balanced(name, matrix));
    let rows = |vectors: &Option<Matrix>| vectors.as_ref().map_or(0, Matrix::rows);
    let [tokens, positions] = [&frame.embeddings.tokens, &frame.embeddings.positions].map(rows);
    let of_circuits = frame.layers.iter().flat_map(|layer| &layer.heads).map(|head| {
        let inner = head.w_q.as_ref().map_or(0, Matrix::columns);
        2 * n_circuit_values([tokens; 2], inner) + n_circuit_values([positions; 2], inner)
    });
    // The maps of a film that is too large are shown in half as many cells along each axis.
    let maps = frame.probes.iter().flat_map(|probe| &probe.maps).map(|map| cells(&map.weights) / 4);
    of_matrices.chain(of_circuits).chain(maps).sum()
}
