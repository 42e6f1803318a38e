//! One number of a heat map as a terminal shows it.

use crate::picture::heat_map::HeatMap;
use crate::picture::palette::Palette;
use crate::picture::scale::Scale;
use crate::picture::text::TextStyle;

/// From nothing to everything.
pub(crate) const RAMP: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// One cell of a heat map in a terminal, two columns wide and therefore about square.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Two columns of characters; blank where the background says it all.
    pub text: String,
    /// Red, green and blue; `None` where there is no colour.
    pub background: Option<[u8; 3]>,
}

/// The cells of a heat map, for a program that draws the whole screen itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// Row by row.
    pub rows: Vec<Vec<Cell>>,
    /// Rows and columns of the matrix that stand behind one cell; `[1, 1]` where nothing was reduced.
    pub block: [usize; 2],
}

impl HeatMap<'_> {
    /// The cells alone, without title, labels and scale.
    ///
    /// ```
    /// use qkv_inspect::{HeatMap, Matrix, Palette, TextStyle};
    ///
    /// let w_q = Matrix::new(1, 2, vec![-2.0, 0.0])?;
    /// let grid = HeatMap::new(&w_q, Palette::Diverging).grid(TextStyle::Plain);
    /// assert_eq!([&grid.rows[0][0].text, &grid.rows[0][1].text], ["-9", " ."]);
    /// # Ok::<(), qkv_inspect::InspectError>(())
    /// ```
    pub fn grid(&self, style: TextStyle) -> Grid {
        let prepared = self.prepare();
        let matrix = &prepared.cells.matrix;
        let row = |row| matrix.row(row).iter().map(|&x| Cell::of(x, &prepared.scale, style)).collect();
        Grid { rows: (0..matrix.rows()).map(row).collect(), block: prepared.cells.block }
    }
}

impl Cell {
    pub(crate) fn of(x: f64, scale: &Scale, style: TextStyle) -> Self {
        let (text, background) = match (non_finite(x), style) {
            (Some(text), _) => (text.to_owned(), None),
            (None, TextStyle::Plain) => (plain(x, scale), None),
            (None, TextStyle::Colour | TextStyle::Colour256) => ("  ".to_owned(), scale.colour(x)),
        };
        Self { text, background }
    }
}

/// The cell of a value that has no place on a scale.
fn non_finite(x: f64) -> Option<&'static str> {
    match x {
        x if x.is_nan() => Some("??"),
        f64::INFINITY => Some("+∞"),
        f64::NEG_INFINITY => Some("-∞"),
        _ => None,
    }
}

fn plain(x: f64, scale: &Scale) -> String {
    let fraction = scale.fraction(x);
    match scale.palette {
        Palette::Sequential => {
            let level = (fraction * (RAMP.len() - 1) as f64).round() as usize;
            RAMP[level].to_string().repeat(2)
        }
        Palette::Diverging => match ((2.0 * fraction - 1.0) * 9.0).round() as i32 {
            0 => " .".to_owned(),
            ninths => format!("{ninths:+}"),
        },
    }
}
