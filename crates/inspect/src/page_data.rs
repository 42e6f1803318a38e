//! What the script of a film's page draws.

use serde::Serialize;

use crate::film::{Film, MOST_CELLS, named};
use crate::label::clean;
use crate::matrix::Matrix;
use crate::palette::Palette;
use crate::quantized::quantized;
use crate::reduce::reduce;
use crate::snapshot::{AttentionMap, Snapshot};

/// Singular values beside a matrix.
const MOST_SINGULAR_VALUES: usize = 16;

#[derive(Serialize)]
pub(crate) struct PageData {
    frames: Vec<FrameData>,
    layers: Vec<LayerData>,
    snapshots: Vec<SnapshotData>,
}

#[derive(Serialize)]
struct FrameData {
    step: u64,
    loss: Option<f64>,
    accuracy: Option<f64>,
    snapshot: Option<usize>,
}

#[derive(Serialize)]
struct LayerData {
    name: String,
    heads: Vec<Vec<MatrixData>>,
}

/// One matrix of one head in all frames.
#[derive(Serialize)]
struct MatrixData {
    name: String,
    axes: [&'static str; 2],
    /// Rows and columns of the matrix itself.
    size: [usize; 2],
    /// Rows and columns of what is shown, and of the block behind each of its cells.
    cells: [usize; 2],
    block: [usize; 2],
    /// Largest magnitude in any frame: all frames share a scale.
    limit: f64,
    frames: Vec<Option<MatrixFrame>>,
}

#[derive(Serialize)]
struct MatrixFrame {
    data: String,
    norm: f64,
    /// From the first frame, in lengths of the matrix there.
    moved: Option<f64>,
    /// Empty where the matrix is not finite.
    singular_values: Vec<f64>,
}

#[derive(Serialize)]
struct SnapshotData {
    step: Option<u64>,
    tokens: Vec<String>,
    targets: Vec<String>,
    predictions: Vec<String>,
    maps: Vec<MapData>,
}

#[derive(Serialize)]
struct MapData {
    layer: String,
    head: usize,
    cells: [usize; 2],
    data: String,
    /// As if attention were spread evenly over so many keys: `exp` of the mean entropy.
    n_keys: Option<f64>,
    habits: Vec<(&'static str, f64)>,
}

impl PageData {
    pub(crate) fn new(film: &Film) -> Self {
        let frames = film.frames.iter().map(|frame| FrameData {
            step: frame.step,
            loss: frame.loss,
            accuracy: frame.evaluation.map(|evaluation| evaluation.accuracy),
            snapshot: frame.snapshot,
        });
        Self {
            frames: frames.collect(),
            layers: layers(film),
            snapshots: film.snapshots.iter().map(snapshot).collect(),
        }
    }

    /// As JSON that cannot end the element in which it stands, nor begin another: no `<`, `>` or `&` is left.
    pub(crate) fn json(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers and strings");
        let mut safe = String::with_capacity(json.len());
        for c in json.chars() {
            match c {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => safe.push_str(&format!("\\u{:04x}", c as u32)),
                _ => safe.push(c),
            }
        }
        safe
    }
}

fn layers(film: &Film) -> Vec<LayerData> {
    let Some(first) = film.frames.first() else { return Vec::new() };
    let layer = |index: usize| LayerData {
        name: first.layers[index].prefix.clone(),
        heads: (0..first.layers[index].heads.len()).map(|head| matrices(film, index, head)).collect(),
    };
    (0..first.layers.len()).map(layer).collect()
}

fn matrices(film: &Film, layer: usize, head: usize) -> Vec<MatrixData> {
    let all = |kind: usize| -> Vec<Option<&Matrix>> {
        film.frames.iter().map(|frame| frame.layers.get(layer)?.heads.get(head)?.named()[kind].1).collect()
    };
    let names = film.frames[0].layers[layer].heads[head].named().map(|(name, _)| name);
    names.into_iter().enumerate().filter_map(|(kind, name)| matrix(name, &all(kind))).collect()
}

fn matrix(name: &str, frames: &[Option<&Matrix>]) -> Option<MatrixData> {
    let first = (*frames.first()?)?;
    let shown = reduce(first, [MOST_CELLS, MOST_CELLS], Palette::Diverging);
    let cells = [shown.matrix.rows(), shown.matrix.columns()];
    let ranges = frames.iter().flatten().filter_map(|matrix| matrix.range());
    let limit = ranges.fold(0.0f64, |most, (low, high)| most.max(high).max(-low));
    let frame = |matrix: &Matrix| MatrixFrame {
        data: quantized(&reduce(matrix, [MOST_CELLS, MOST_CELLS], Palette::Diverging).matrix, limit),
        norm: matrix.norm(),
        moved: matrix.moved_from(first).ok().and_then(|moved| moved.distance),
        singular_values: matrix.spectrum().map_or(Vec::new(), |s| s.top(MOST_SINGULAR_VALUES).to_vec()),
    };
    // A matrix that changed its size is another one.
    let same = |matrix: &&Matrix| (matrix.rows(), matrix.columns()) == (first.rows(), first.columns());
    Some(MatrixData {
        name: name.to_uppercase(),
        axes: first.axes(),
        size: [first.rows(), first.columns()],
        cells,
        block: shown.block,
        limit,
        frames: frames.iter().map(|matrix| matrix.filter(same).map(frame)).collect(),
    })
}

fn snapshot(snapshot: &Snapshot) -> SnapshotData {
    // Nothing that turns the direction of the writing around; a page has no cursor to move, but it has that.
    let labels = |labels: &[String]| labels.iter().map(|label| clean(label)).collect();
    SnapshotData {
        step: snapshot.step,
        tokens: labels(&snapshot.tokens),
        targets: labels(&snapshot.targets),
        predictions: labels(&snapshot.predictions),
        maps: snapshot.maps.iter().map(|one| map(one, &snapshot.tokens)).collect(),
    }
}

fn map(map: &AttentionMap, tokens: &[String]) -> MapData {
    let shown = reduce(&map.weights, [MOST_CELLS, MOST_CELLS], Palette::Sequential).matrix;
    let habits = named(&map.scores(tokens)).into_iter();
    MapData {
        layer: map.layer.clone(),
        head: map.head,
        cells: [shown.rows(), shown.columns()],
        data: quantized(&shown, 1.0),
        n_keys: map.mean_entropy().map(f64::exp),
        habits: habits.filter_map(|(words, share)| Some((words, share?))).collect(),
    }
}
