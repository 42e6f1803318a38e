//! How much of a run a page has room for.

use qkv_run::tensor_names::{W_K, W_Q};

use crate::files::layers::matrices;
use crate::film::frame::Frame;
use crate::film::page::matrix_data::{MAX_CELLS, n_cells, n_circuit_values};
use crate::film::page::trace_data;
use crate::matrix::dense::Matrix;
use crate::number::grouped;

/// Values that all matrices or all maps together may have: about 11 MB as a page.
pub(crate) const MAX_VALUES: usize = 4_000_000;

/// Fewer frames make no film: a page of so few goes without traces and gradients.
const LEAST_FRAMES: usize = 24;

impl Frame {
    /// How many frames of this size make a page of four million values, about 11 MB: with what was computed of the inputs
    /// and the gradients where 24 frames or more have room for them. Otherwise without gradients, and with what was
    /// computed of the inputs where that costs one frame in four at most.
    pub fn max_on_page(&self) -> usize {
        let plain = n_values(self).max(1);
        let traced = plain + n_trace_values(self);
        match MAX_VALUES / (traced + n_gradient_values(self)) {
            n if n >= LEAST_FRAMES => n,
            _ if 3 * traced <= 4 * plain => MAX_VALUES / traced,
            _ => MAX_VALUES / plain,
        }
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
    matrices(&frame.gradients).map(|(_, _, _, matrix)| n_shown(matrix)).sum()
}

fn n_trace_values(frame: &Frame) -> usize {
    frame.probes.iter().map(trace_data::n_values).sum()
}

fn n_shown(matrix: &Matrix) -> usize {
    n_cells(matrix.size(), MAX_CELLS)
}

/// Values that a page needs for a frame: matrices, W_Q and W_K twice because of the gauge, circuits, and maps.
fn n_values(frame: &Frame) -> usize {
    let n_gauges = |name| if [W_Q, W_K].contains(&name) { 2 } else { 1 };
    let of_matrices = matrices(&frame.layers).map(|(_, _, name, matrix)| n_gauges(name) * n_shown(matrix));
    let rows = |vectors: &Option<Matrix>| vectors.as_ref().map_or(0, Matrix::rows);
    let [tokens, positions] = [&frame.embeddings.tokens, &frame.embeddings.positions].map(rows);
    let of_circuits =
        frame.layers.iter().flat_map(|layer| layer.heads.iter().map(|head| (layer.kind(), head)));
    let of_circuits = of_circuits.filter(|(kind, _)| kind.reads_its_own_stream()).map(|(kind, head)| {
        let inner = head.w_q.as_ref().or(head.w_k.as_ref()).map_or(0, Matrix::columns);
        let n_of_tokens = if kind.reaches_the_answer() { 2 } else { 1 };
        n_of_tokens * n_circuit_values([tokens; 2], inner) + n_circuit_values([positions; 2], inner)
    });
    // The maps of a film that is too large are shown in half as many cells along each axis.
    let maps = frame.probes.iter().flat_map(|probe| &probe.maps).map(|map| n_shown(&map.weights) / 4);
    of_matrices.chain(of_circuits).chain(maps).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::InspectError;
    use crate::files::config::CheckpointConfig;
    use crate::files::metrics::Metrics;
    use crate::film::frames::Film;
    use crate::fixtures::tensors;

    /// A frame with a map of 4 cells, of which a page counts one, and `n` queries.
    fn frame(n: usize) -> Result<Frame, InspectError> {
        let list =
            [("a.weights", &[1, 1, 2, 2][..], vec![0.5; 4]), ("a.trace.q", &[1, 1, 1, n], vec![1.0; n])];
        let film = Film::of_frames(
            "x",
            CheckpointConfig::default(),
            Metrics::default(),
            [(0, tensors(&list, &[]))],
        )?;
        Ok(film.frames[0].clone())
    }

    #[test]
    fn a_film_that_is_thinned_has_room_for_its_traces() -> Result<(), InspectError> {
        let n_most = |n| Ok::<_, InspectError>(frame(n)?.max_on_page());
        let small = frame(39_999)?;
        assert_eq!(small.max_on_page(), 100);
        let room = Room::of(&vec![small; 100]);
        assert!(room.traces && room.left_out.is_empty());
        assert_eq!(n_most(MAX_VALUES / LEAST_FRAMES - 1)?, LEAST_FRAMES);
        // With these there would be too few frames for a film.
        let large = frame(MAX_VALUES / LEAST_FRAMES)?;
        assert_eq!(large.max_on_page(), MAX_VALUES);
        let room = Room::of(&vec![large; LEAST_FRAMES]);
        assert!(!room.traces && room.left_out.len() == 1, "{:?}", room.left_out);
        // Eleven matrices leave room for 22 frames; small traces cost less than a quarter of these.
        let names: Vec<String> = (0..11).map(|layer| format!("{layer}.w_v")).collect();
        let wide = |n: usize| {
            let mut list = vec![("a.weights", &[1, 1, 2, 2][..], vec![0.5; 4])];
            list.extend(names.iter().map(|name| (name.as_str(), &[128, 128][..], vec![1.0; 1 << 14])));
            let of_trace = [1, 1, 1, n];
            list.push(("a.trace.q", &of_trace, vec![1.0; n]));
            let frames = [(0, tensors(&list, &[]))];
            let film = Film::of_frames("x", CheckpointConfig::default(), Metrics::default(), frames)?;
            Ok::<_, InspectError>(film.frames[0].clone())
        };
        let values = n_values(&wide(1)?);
        assert_eq!(wide(values / 3)?.max_on_page(), MAX_VALUES / (values + values / 3));
        assert_eq!(wide(values / 3 + 1)?.max_on_page(), MAX_VALUES / values);
        Ok(())
    }
}
