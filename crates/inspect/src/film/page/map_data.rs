//! Attention maps through all frames, as the script of a page draws them.

use std::collections::BTreeSet;
use std::ops::Range;

use qkv_run::MapPositions;
use serde::Serialize;

use crate::files::frames::snapshot::{AttentionMap, Snapshot};
use crate::film::frame::Frame;
use crate::film::page::matrix_data::n_cells;
use crate::film::page::quantized::quantized;
use crate::film::page::trace_data::{TraceData, ValuesData, answers, traces};
use crate::picture::label::clean_label;
use crate::picture::palette::Palette;
use crate::picture::reduce::reduce;

/// Cells of a map along each axis, from the finest that has room in the page.
const CELLS: [usize; 3] = [256, 128, 64];

/// One input of which training kept the maps.
#[derive(Serialize)]
pub(crate) struct ProbeData {
    tokens: Vec<String>,
    /// The positions of source and answer without their padding, each the first and the one behind the last; empty for a
    /// model of one sequence.
    sides: Vec<[usize; 2]>,
    targets: Vec<String>,
    /// Whether each position carries loss.
    is_asked: Vec<bool>,
    /// What the model said at each position, in each frame.
    predictions: Vec<Option<Vec<String>>>,
    maps: Vec<MapData>,
    /// What each layer computed; empty where the run did not keep it, or the page has no room for it.
    traces: Vec<TraceData>,
    /// The probability of each token as the answer at each position.
    answers: Option<ValuesData>,
}

/// The map of one head.
#[derive(Serialize)]
struct MapData {
    layer: String,
    head: usize,
    /// The positions of its rows and of its columns, each the first and the one behind the last; `null` where they are all.
    queries: Option<[usize; 2]>,
    keys: Option<[usize; 2]>,
    /// Rows and columns of the map itself, of what is shown, and of the block behind each of its cells.
    size: [usize; 2],
    cells: [usize; 2],
    block: [usize; 2],
    frames: Vec<Option<MapFrame>>,
}

#[derive(Serialize)]
struct MapFrame {
    data: String,
    /// What 32,767 stands for.
    limit: f64,
    /// As if attention were spread evenly over so many keys: `exp` of the mean entropy.
    n_keys: Option<f64>,
    /// What the head looks at, in words, and the share of its attention.
    patterns: Vec<(&'static str, f32)>,
}

/// Every probe input of a film, its maps in `max_values` cells or as few as there may be, with what was computed of it
/// where `has_traces`.
pub(crate) fn probes(frames: &[Frame], max_values: usize, has_traces: bool) -> Vec<ProbeData> {
    let n_probes = frames.iter().map(|frame| frame.probes.len()).max().unwrap_or(0);
    let maps = || frames.iter().flat_map(|frame| &frame.probes).flat_map(|probe| &probe.maps);
    let values = |cells: usize| -> usize { maps().map(|map| n_cells(map.weights.size(), cells)).sum() };
    let finest = CELLS.into_iter().find(|cells| values(*cells) <= max_values);
    let cells = finest.unwrap_or(CELLS[CELLS.len() - 1]);
    (0..n_probes).map(|index| probe(frames, index, cells, has_traces)).collect()
}

fn probe(frames: &[Frame], index: usize, cells: usize, has_traces: bool) -> ProbeData {
    let all: Vec<Option<&Snapshot>> = frames.iter().map(|frame| frame.probes.get(index)).collect();
    let last = all.iter().rev().flatten().next().copied();
    // Nothing that turns the direction of the writing around; a page has no cursor to move, but it has that.
    let labels = |labels: &[String]| labels.iter().map(|label| clean_label(label)).collect();
    ProbeData {
        tokens: last.map_or(Vec::new(), |probe| labels(&probe.labels.tokens)),
        sides: last.map_or(Vec::new(), sides),
        targets: last.map_or(Vec::new(), |probe| labels(&probe.labels.targets)),
        is_asked: last
            .map_or(Vec::new(), |probe| probe.labels.targets.iter().map(|t| !t.is_empty()).collect()),
        predictions: all.iter().map(|probe| Some(labels(&probe.as_ref()?.labels.predictions))).collect(),
        maps: last.iter().flat_map(|probe| &probe.maps).map(|map| of_head(map, &all, cells)).collect(),
        traces: if has_traces { traces(&all) } else { Vec::new() },
        answers: if has_traces { answers(&all) } else { None },
    }
}

/// None where a map has all positions.
fn sides(probe: &Snapshot) -> Vec<[usize; 2]> {
    let all: Option<Vec<&MapPositions>> = probe.maps.iter().map(|map| map.positions.as_ref()).collect();
    let both = all.into_iter().flatten().flat_map(|positions| [&positions.queries, &positions.keys]);
    both.map(ends).collect::<BTreeSet<_>>().into_iter().collect()
}

fn ends(positions: &Range<usize>) -> [usize; 2] {
    [positions.start, positions.end]
}

fn of_head(map: &AttentionMap, all: &[Option<&Snapshot>], cells: usize) -> MapData {
    let shown = reduce(&map.weights, [cells, cells], Palette::Sequential);
    let frame = |probe: &Option<&Snapshot>| {
        let probe = (*probe)?;
        let found =
            probe.map(&map.layer, map.head).filter(|found| found.weights.size() == map.weights.size())?;
        let patterns = found.patterns(&probe.labels).into_iter();
        Some(MapFrame {
            data: quantized(&reduce(&found.weights, [cells, cells], Palette::Sequential).matrix, 1.0),
            limit: 1.0,
            n_keys: found.mean_entropy().map(f64::exp),
            patterns: patterns.filter_map(|(words, share)| Some((words, share? as f32))).collect(),
        })
    };
    MapData {
        layer: map.layer.clone(),
        head: map.head,
        queries: map.positions.as_ref().map(|positions| ends(&positions.queries)),
        keys: map.positions.as_ref().map(|positions| ends(&positions.keys)),
        size: map.weights.size(),
        cells: shown.matrix.size(),
        block: shown.block,
        frames: all.iter().map(frame).collect(),
    }
}
