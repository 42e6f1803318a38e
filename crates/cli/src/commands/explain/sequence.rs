//! The sequences between which a layer attends: of its queries, and of its keys.

use std::ops::Range;

use qkv_run::MapPositions;
use qkv_train::{Layer, Probe, Side, Task};

/// Positions of an input that a layer reads as a sequence of its own.
pub struct Sequence {
    side: Side,
    /// Where they are in the input, without the padding behind them.
    pub positions: Range<usize>,
    /// The labels of its tokens.
    pub tokens: Vec<String>,
    /// Positions of padding behind them.
    pub n_padding: usize,
}

impl Sequence {
    /// Those of the queries and of the keys of a layer.
    pub fn of_layer(layer: &Layer, probe: &Probe, task: &dyn Task) -> [Self; 2] {
        let filled = probe.labels.layers.get(&layer.path);
        let of = |side: Side, filled: Option<&Range<usize>>| {
            let all = side.positions(task);
            let positions = filled.cloned().unwrap_or_else(|| all.clone());
            let tokens = probe.labels.tokens[positions.clone()].to_vec();
            Self { side, n_padding: all.end - positions.end, positions, tokens }
        };
        let [queries, keys] = match filled {
            Some(MapPositions { queries, keys }) => [Some(queries), Some(keys)],
            None => [None, None],
        };
        [of(layer.queries, queries), of(layer.keys, keys)]
    }

    /// Number of positions.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Heads a column of its tokens.
    pub fn heading(&self) -> &'static str {
        match self.side {
            Side::Whole => "token",
            Side::Source => "source",
            Side::Answer => "answer",
        }
    }

    /// Of which text its positions are: " of the source", nothing where they are all.
    pub fn of_what(&self) -> &'static str {
        match self.side {
            Side::Whole => "",
            Side::Source => " of the source",
            Side::Answer => " of the answer",
        }
    }
}
