//! The attention map of one head beside the words that its rows and columns are.

use std::ops::Range;

use anyhow::{Error, Result};
use qkv_inspect::{HeatMap, Matrix, Palette, Scale};
use qkv_run::MapPositions;
use qkv_train::Probe;

use super::stdout::Stdout;
use super::text::format::attention_map;
use super::text::wrap::COLUMNS;

/// Columns of a cell.
const CELL: usize = 2;

/// Columns of a label of a row at most, as a heat map cuts it, and what stands around a row of cells.
const LABEL: usize = 14;
const AROUND: usize = 2;

/// A map without the rows and columns of padding.
///
/// In the map of cross-attention a row is called by the token that its query writes, not by the one that stands at its
/// position, so that the map is an alignment of two texts
/// ([Bahdanau et al. 2015, figure 3](https://arxiv.org/abs/1409.0473)).
pub struct HeadMap {
    pub weights: Matrix,
    pub rows: Vec<String>,
    pub columns: Vec<String>,
    /// Whether it aligns an answer with its source.
    pub is_alignment: bool,
}

impl HeadMap {
    /// Rows and columns of the maps of a layer.
    pub fn size(probe: &Probe, layer: usize) -> [usize; 2] {
        match positions(probe, layer) {
            Some(MapPositions { queries, keys }) => [queries.len(), keys.len()],
            None => probe.weights.get(layer).map_or([0; 2], |weights| {
                let [_, q_len, k_len] = weights.dims();
                [q_len, k_len]
            }),
        }
    }

    /// The map of a head, by the indices of its layer and its own; a sentence where the model has no such map.
    pub fn of(probe: &Probe, layer: usize, head: usize) -> Result<Self, String> {
        let weights = probe.weights.get(layer).ok_or("the model shows no attention weights")?;
        let weights = attention_map(weights, head)?;
        let labels = &probe.labels;
        let Some(MapPositions { queries, keys }) = positions(probe, layer) else {
            let [rows, columns] =
                [weights.rows(), weights.columns()].map(|n| match labels.tokens.len() == n {
                    true => labels.tokens.clone(),
                    false => (0..n).map(|position| position.to_string()).collect(),
                });
            return Ok(Self { weights, rows, columns, is_alignment: false });
        };
        let is_alignment = queries != keys;
        let (of_rows, axes) = match is_alignment {
            true => (&labels.targets, ["answer", "source"]),
            false => (&labels.tokens, weights.axes()),
        };
        let words =
            |words: &[String], positions: &Range<usize>| words.get(positions.clone()).map(<[String]>::to_vec);
        let (Some(rows), Some(columns)) = (words(of_rows, queries), words(&labels.tokens, keys)) else {
            return Err("the map has positions that the input lacks".to_owned());
        };
        let weights = part(&weights, rows.len(), 0..columns.len())?.with_axes(axes[0], axes[1]);
        Ok(Self { weights, rows, columns, is_alignment })
    }

    /// What its rows and columns are.
    pub fn legend(&self) -> &'static str {
        match self.is_alignment {
            true => "each row is a token of the answer as it is written,\neach column one of the source",
            false => "each row is a query, each column a key",
        }
    }

    /// The whole of it as a picture.
    pub fn heat_map(&self, title: &str) -> HeatMap<'_> {
        self.drawn(&self.weights, title, &self.columns)
    }

    /// Prints it, one part of its columns below the other where they do not fit beside each other.
    pub fn show(&self, out: &mut Stdout, title: &str) -> Result<()> {
        let label = self.rows.iter().map(|row| row.chars().count()).max().unwrap_or(0).min(LABEL);
        let (n, fit) = (self.columns.len(), (COLUMNS - AROUND - label) / CELL);
        let n_parts = n.div_ceil(fit).max(1);
        if n_parts == 1 {
            return Ok(out.heat_map(&self.heat_map(title))?);
        }
        let each = n.div_ceil(n_parts);
        for start in (0..n).step_by(each) {
            let of_part = start..(start + each).min(n);
            let weights = part(&self.weights, self.rows.len(), of_part.clone()).map_err(Error::msg)?;
            let [down, across] = self.weights.axes();
            let weights = weights.with_axes(down, across);
            let title = format!("{title}, {across} {} to {}", of_part.start, of_part.end - 1);
            out.heat_map(&self.drawn(&weights, &title, &self.columns[of_part]))?;
        }
        Ok(())
    }

    fn drawn<'a>(&self, weights: &'a Matrix, title: &str, columns: &[String]) -> HeatMap<'a> {
        let map =
            HeatMap::new(weights, Palette::Sequential).with_title(title).with_labels(&self.rows, columns);
        // The parts of a map and the heads of a layer are compared.
        if self.is_alignment { map.with_scale(Scale::sequential(0.0, 1.0)) } else { map }
    }
}

/// Which positions of the input the maps of a layer are about; `None` where they are all.
fn positions(probe: &Probe, layer: usize) -> Option<&MapPositions> {
    probe.labels.layers.get(probe.layers.get(layer)?)
}

/// The first rows of some columns.
fn part(matrix: &Matrix, n_rows: usize, columns: Range<usize>) -> Result<Matrix, String> {
    if n_rows > matrix.rows() || columns.end > matrix.columns() {
        return Err("the map is smaller than its words".to_owned());
    }
    let values = (0..n_rows).flat_map(|row| &matrix.row(row)[columns.clone()]).copied().collect();
    Matrix::new(n_rows, columns.len(), values).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    use burn::tensor::{Device, TensorData};
    use qkv_run::ProbeLabels;

    /// Two layers of one head and a pair of a source of 2 in a place for 3, and an answer of 2 in a place for 4.
    fn probe() -> Probe {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let layers = [("encoder.0.attention", 0..2, 0..2), ("decoder.0.cross.attention", 3..6, 0..2)];
        let layers = layers.map(|(path, queries, keys)| (path.to_owned(), MapPositions { queries, keys }));
        let counted = |rows: usize, columns: usize| {
            let values: Vec<f32> =
                (0..rows * columns).map(|i| (i / columns * 10 + i % columns) as f32).collect();
            burn::tensor::Tensor::<3>::from_data(TensorData::new(values, [1, rows, columns]), &Device::flex())
        };
        Probe {
            layers: layers.iter().map(|(path, _)| path.clone()).collect(),
            labels: ProbeLabels {
                layers: layers.into(),
                tokens: words(&["z", "w", "□", "⊢", "1", "2", "□"]),
                targets: words(&["", "", "", "1", "2", "⊣", ""]),
                predictions: words(&["", "", "", "1", "1", "⊣", ""]),
            },
            weights: vec![counted(3, 3), counted(4, 3)],
            trace: Vec::new(),
            answers: None,
        }
    }

    #[test]
    fn an_alignment_names_what_is_written_and_what_is_read_and_no_padding() -> Result<(), String> {
        let map = HeadMap::of(&probe(), 1, 0)?;
        assert_eq!([map.rows.concat(), map.columns.concat()], ["12⊣", "zw"]);
        // The row and the column of each value.
        assert_eq!(map.weights.values(), [0.0, 1.0, 10.0, 11.0, 20.0, 21.0]);
        assert_eq!((map.weights.axes(), HeadMap::size(&probe(), 1)), (["answer", "source"], [3, 2]));
        let own = HeadMap::of(&probe(), 0, 0)?;
        assert_eq!([own.rows.concat(), own.columns.concat()], ["zw", "zw"]);
        assert_eq!(
            (own.weights.values(), own.weights.axes()),
            (&[0.0, 1.0, 10.0, 11.0][..], ["query", "key"])
        );
        Ok(())
    }

    #[test]
    fn what_does_not_fit_gives_a_sentence_and_what_is_whole_stays_so() -> Result<(), String> {
        let mut probe = probe();
        probe.labels.tokens.truncate(1);
        assert_eq!(
            HeadMap::of(&probe, 1, 0).err().as_deref(),
            Some("the map has positions that the input lacks")
        );
        probe.labels.layers.clear();
        let map = HeadMap::of(&probe, 1, 0)?;
        assert_eq!([map.rows.join(" "), map.columns.join(" ")], ["0 1 2 3", "0 1 2"]);
        assert!(HeadMap::of(&probe, 2, 0).is_err() && HeadMap::of(&probe, 1, 1).is_err());
        Ok(())
    }
}
