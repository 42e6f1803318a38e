//! What each layer computed of a probe input, through all frames, as the script of a page draws it.

use serde::Serialize;

use crate::files::frames::snapshot::Snapshot;
use crate::files::frames::trace::{HeadTrace, LayerTrace};
use crate::film::page::quantized::Quantized;
use crate::matrix::dense::Matrix;

/// One layer. What it did not show is `null`.
#[derive(Serialize)]
pub(crate) struct TraceData {
    layer: String,
    x: Option<ValuesData>,
    /// What keys and values are made of, where it is not x.
    source: Option<ValuesData>,
    heads: Vec<HeadTraceData>,
}

#[derive(Serialize)]
struct HeadTraceData {
    q: Option<ValuesData>,
    k: Option<ValuesData>,
    v: Option<ValuesData>,
    scores: Option<ValuesData>,
    scaled: Option<ValuesData>,
    context: Option<ValuesData>,
}

/// Numbers that are written and not only drawn: every one of them is there.
#[derive(Serialize)]
pub(crate) struct ValuesData {
    size: [usize; 2],
    frames: Vec<Option<Quantized>>,
}

impl ValuesData {
    /// `None` where no frame has the matrix. One that changed its size is another one.
    fn of(frames: &[Option<&Matrix>]) -> Option<Self> {
        let size = frames.iter().flatten().next_back()?.size();
        let frame = |matrix: &Option<&Matrix>| matrix.filter(|found| found.size() == size).map(Quantized::of);
        Some(Self { size, frames: frames.iter().map(frame).collect() })
    }
}

/// Every layer of the last frame that has a trace.
pub(super) fn traces(frames: &[Option<&Snapshot>]) -> Vec<TraceData> {
    let last = frames.iter().rev().flatten().find(|probe| !probe.traces.is_empty());
    let layer = |layer: &LayerTrace| {
        let mut all: Vec<Option<&LayerTrace>> = Vec::new();
        for probe in frames {
            all.push(probe.and_then(|probe| probe.traces.iter().find(|found| found.layer == layer.layer)));
        }
        let input = |part: fn(&LayerTrace) -> Option<&Matrix>| {
            ValuesData::of(&all.iter().map(|found| part((*found)?)).collect::<Vec<_>>())
        };
        TraceData {
            layer: layer.layer.clone(),
            x: input(|trace| trace.x.as_ref()),
            source: input(|trace| trace.source.as_ref()),
            heads: (0..layer.heads.len()).map(|head| head_trace(&all, head)).collect(),
        }
    };
    last.iter().flat_map(|probe| &probe.traces).map(layer).collect()
}

/// The probability of each token as the answer at each position.
pub(super) fn answers(frames: &[Option<&Snapshot>]) -> Option<ValuesData> {
    let all: Vec<Option<&Matrix>> = frames.iter().map(|probe| (*probe)?.answers.as_ref()).collect();
    ValuesData::of(&all)
}

/// Values that the traces of one frame have.
pub(super) fn n_values(probe: &Snapshot) -> usize {
    let of_heads = |trace: &LayerTrace| -> usize {
        let parts = |head: &HeadTrace| {
            let HeadTrace { q, k, v, scores, scaled, context } = head;
            [q, k, v, scores, scaled, context].into_iter().flatten().map(n_cells).sum::<usize>()
        };
        trace.heads.iter().map(parts).sum()
    };
    let of_layer = |trace: &LayerTrace| {
        of_heads(trace) + [&trace.x, &trace.source].into_iter().flatten().map(n_cells).sum::<usize>()
    };
    probe.traces.iter().map(of_layer).sum::<usize>() + probe.answers.as_ref().map_or(0, n_cells)
}

fn n_cells(matrix: &Matrix) -> usize {
    matrix.values().len()
}

fn head_trace(all: &[Option<&LayerTrace>], head: usize) -> HeadTraceData {
    let part = |of: fn(&HeadTrace) -> Option<&Matrix>| {
        let frames: Vec<Option<&Matrix>> =
            all.iter().map(|layer| (*layer)?.heads.get(head).and_then(of)).collect();
        ValuesData::of(&frames)
    };
    HeadTraceData {
        q: part(|head| head.q.as_ref()),
        k: part(|head| head.k.as_ref()),
        v: part(|head| head.v.as_ref()),
        scores: part(|head| head.scores.as_ref()),
        scaled: part(|head| head.scaled.as_ref()),
        context: part(|head| head.context.as_ref()),
    }
}
