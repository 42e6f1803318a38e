//! How much of a run a page has room for.

use crate::files::layers::HeadWeights;
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
    let heads = || frame.layers.iter().flat_map(|layer| &layer.heads);
    let matrices = heads().flat_map(|head| head.named().into_iter().chain(head.named().into_iter().take(2)));
    let maps = frame.probes.iter().flat_map(|probe| &probe.maps);
    let matrices: usize = matrices.filter_map(|(_, m)| m.map(cells)).sum();
    let width = |heads: &HeadWeights| heads.w_q.as_ref().map_or(0, Matrix::columns);
    let size = |vectors: &Option<Matrix>| vectors.as_ref().map_or(0, Matrix::rows);
    let circuits = heads().map(|head| {
        let [tokens, positions] = [&frame.embeddings.tokens, &frame.embeddings.positions].map(size);
        2 * n_circuit_values([tokens; 2], width(head)) + n_circuit_values([positions; 2], width(head))
    });
    let circuits: usize = circuits.sum();
    // The maps of a film that is too large are shown in half as many cells along each axis.
    matrices + circuits + maps.map(|map| cells(&map.weights) / 4).sum::<usize>()
}
