//! How much of a run a page has room for.

use qkv_run::tensor_names::{W_K, W_Q};

use crate::files::layers::matrices;
use crate::film::frames::Frame;
use crate::film::page::matrix_data::{MAX_CELLS, n_cells, n_circuit_values};
use crate::matrix::dense::Matrix;

/// Values that all matrices or all maps together may have: about 11 MB as a page.
pub(crate) const MAX_VALUES: usize = 4_000_000;

impl Frame {
    /// How many frames of this size make a page of four million values, about 11 MB.
    pub fn max_on_page(&self) -> usize {
        MAX_VALUES / n_values(self).max(1)
    }
}

/// Values that a page needs for a frame: matrices, W_Q and W_K twice because of the gauge, circuits, and maps.
fn n_values(frame: &Frame) -> usize {
    let cells = |matrix: &Matrix| n_cells(matrix.size(), MAX_CELLS);
    let n_gauges = |name| if [W_Q, W_K].contains(&name) { 2 } else { 1 };
    let of_matrices = matrices(&frame.layers).map(|(_, _, name, matrix)| n_gauges(name) * cells(matrix));
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
