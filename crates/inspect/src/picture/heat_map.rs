//! A matrix as something to look at; `text.rs` draws it in characters, `heat_map_drawing.rs` on the canvas that
//! `svg.rs` and `raster.rs` (PNG) offer.

use qkv_run::ProbeLabels;

use crate::files::frames::snapshot::{AttentionMap, Snapshot};
use crate::matrix::dense::Matrix;
use crate::number::significant;
use crate::picture::label::clean_label;
use crate::picture::palette::Palette;
use crate::picture::reduce::{Reduced, reduce};
use crate::picture::scale::Scale;

/// As many cells as fit beside a label in a wide terminal, at two columns a cell.
const MAX_CELLS: usize = 64;

/// A matrix with a palette, a title and labels, ready to be drawn as [text](Self::text) or as [SVG](Self::svg).
///
/// ```
/// use qkv_inspect::{HeatMap, Matrix, Palette, TextStyle};
///
/// let weights = Matrix::new(2, 2, vec![1.0, 0.0, 0.5, 0.5])?.with_axes("query", "key");
/// let text = HeatMap::new(&weights, Palette::Sequential)
///     .with_title("head 0")
///     .with_labels(&["a", "b"], &["a", "b"])
///     .text(TextStyle::Plain);
/// assert_eq!(
///     text,
///     "head 0  (2 query down, 2 key across)\n  a b\na @@  |\nb ++++|\n\
///      scale 0 [ .:-=+*#%@] 1.000; values from 0 to 1.000\n"
/// );
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
#[derive(Debug, Clone)]
pub struct HeatMap<'a> {
    matrix: &'a Matrix,
    palette: Palette,
    scale: Option<Scale>,
    title: String,
    labels: [Option<Vec<String>>; 2],
    most: [usize; 2],
}

/// What a drawing needs, after blocks were formed.
pub(crate) struct Prepared<'a> {
    pub cells: Reduced<'a>,
    pub scale: Scale,
    pub title: &'a str,
    /// Down, across.
    pub labels: [Labels; 2],
    /// Sentences below the picture.
    pub notes: Vec<String>,
}

/// What is written beside the cells of one axis.
pub(crate) enum Labels {
    /// One word a cell.
    Words(Vec<String>),
    /// The position of the first value in each cell.
    Positions(Vec<String>),
}

impl<'a> HeatMap<'a> {
    /// A heat map of all of `matrix`, reduced to 64 by 64 cells where it has more values.
    pub fn new(matrix: &'a Matrix, palette: Palette) -> Self {
        Self {
            matrix,
            palette,
            scale: None,
            title: String::new(),
            labels: [None, None],
            most: [MAX_CELLS, MAX_CELLS],
        }
    }

    /// Says above the map what it is.
    pub fn with_title(self, title: &str) -> Self {
        let title = clean_label(title);
        Self { title, ..self }
    }

    /// Names every row and every column; without, they are counted.
    ///
    /// # Panics
    /// If there are not as many labels as rows and columns.
    pub fn with_labels<S: AsRef<str>>(self, rows: &[S], columns: &[S]) -> Self {
        assert_eq!(
            [rows.len(), columns.len()],
            [self.matrix.rows(), self.matrix.columns()],
            "one label for every row and for every column"
        );
        let cleaned = |labels: &[S]| Some(labels.iter().map(|label| clean_label(label.as_ref())).collect());
        Self { labels: [cleaned(rows), cleaned(columns)], ..self }
    }

    /// Draws with this scale and its palette, so that several maps can be compared.
    pub fn with_scale(self, scale: Scale) -> Self {
        Self { palette: scale.palette, scale: Some(scale), ..self }
    }

    /// Draws at most so many rows and columns of cells, each at least 1. A larger matrix is reduced to blocks: to their
    /// average with a sequential palette, to their value of largest magnitude with a diverging one. The picture says
    /// so.
    pub fn at_most(self, rows: usize, columns: usize) -> Self {
        let most = [rows, columns];
        Self { most, ..self }
    }

    pub(crate) fn prepare(&self) -> Prepared<'_> {
        let cells = reduce(self.matrix, self.most, self.palette);
        let scale = self.scale.unwrap_or_else(|| Scale::of(self.palette, [cells.matrix.as_ref()]));
        let label = |axis: usize, count: usize| match &self.labels[axis] {
            Some(words) if cells.block[axis] == 1 => Labels::Words(words.clone()),
            _ => Labels::Positions((0..count).map(|i| (i * cells.block[axis]).to_string()).collect()),
        };
        let labels = [label(0, cells.matrix.rows()), label(1, cells.matrix.columns())];
        let notes = cells.note(self.matrix, self.palette).into_iter().collect();
        Prepared { cells, scale, title: &self.title, labels, notes }
    }

    /// `values from … to …`, and how many are neither.
    pub(crate) fn values_note(&self) -> String {
        let count = self.matrix.values().iter().filter(|x| !x.is_finite()).count();
        let non_finite = match count {
            0 => String::new(),
            1 => "; 1 value is NaN or infinite".to_owned(),
            n => format!("; {n} values are NaN or infinite"),
        };
        match self.matrix.range() {
            Some((low, high)) => {
                format!("values from {} to {}{non_finite}", significant(low), significant(high))
            }
            None => format!("no finite value{non_finite}"),
        }
    }
}

impl Snapshot {
    /// The heat map of one of its attention maps, with the tokens as labels where they fit. In the map of an answer to its
    /// source a row is called by the token that is to be written there, so that it is an alignment of the two
    /// ([Bahdanau et al. 2015, figure 3](https://arxiv.org/abs/1409.0473)).
    pub fn heat_map<'a>(&self, map: &'a AttentionMap) -> HeatMap<'a> {
        let heat_map = HeatMap::new(&map.weights, Palette::Sequential)
            .with_title(&format!("{}, head {}", map.layer, map.head));
        let ProbeLabels { tokens, targets, .. } = &self.labels;
        let is_alignment = map.positions.is_some() && !map.is_of_one_sequence();
        let of_rows = if is_alignment { targets } else { tokens };
        match (map.query_labels(of_rows), map.key_labels(tokens)) {
            (Some(rows), Some(columns)) => heat_map.with_labels(rows, columns),
            _ => heat_map,
        }
    }
}

impl Labels {
    pub(crate) fn texts(&self) -> &[String] {
        match self {
            Self::Words(texts) | Self::Positions(texts) => texts,
        }
    }
}
