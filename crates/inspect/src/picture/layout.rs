//! Where everything in a picture goes.

use unicode_width::UnicodeWidthStr;

use crate::picture::heat_map::{Labels, Prepared};
use crate::picture::label::fit;
use crate::picture::ticks::ticks;

/// The longer side of the cells together, in pixels, as far as the limits of a cell allow.
const SIDE: usize = 480;

/// Smallest and largest side of a cell.
const CELL: (usize, usize) = (4, 40);

/// Longest label beside a row or below a column, in characters.
pub(crate) const MAX_LABEL: usize = 14;

/// Height of a label, and the width that its characters take on average in a sans-serif font.
pub(crate) const LABEL: i32 = 12;
const CHARACTER: f64 = 6.8;

/// Between any two things that are not cells.
pub(crate) const GAP: i32 = 8;

/// The colour bar; tall enough for the seven numbers that it may have.
pub(crate) const BAR_WIDTH: i32 = 14;
const BAR_LEAST_HEIGHT: i32 = 96;

/// Where everything goes, in pixels.
pub(crate) struct Layout {
    pub cell: i32,
    pub rows: i32,
    pub columns: i32,
    pub left: i32,
    pub top: i32,
    /// Space for the longest label below a column.
    pub below: i32,
    pub size: (u32, u32),
}

impl Layout {
    /// From the number of cells and the length of every text.
    pub(crate) fn new(prepared: &Prepared) -> Self {
        let matrix = &prepared.cells.matrix;
        let (rows, columns) = (matrix.rows(), matrix.columns());
        let cell = (SIDE / rows.max(columns)).clamp(CELL.0, CELL.1) as i32;
        let [down, across] = &prepared.labels;
        let below = match across {
            Labels::Words(words) if words.iter().any(|word| is_turned(word, cell)) => longest(across),
            _ => LABEL,
        };
        let left = GAP + LABEL + GAP + longest(down) + GAP;
        let top = if prepared.title.is_empty() { GAP } else { 2 * GAP + 18 };
        let (rows, columns) = (rows as i32, columns as i32);
        let numbers = ticks(&prepared.scale).into_iter().map(|tick| pixels(&tick.label));
        let bar = BAR_WIDTH + GAP + numbers.max().unwrap_or(0) + GAP;
        let words = prepared.notes.iter().map(|note| pixels(note)).max().unwrap_or(0);
        let title = (f64::from(pixels(prepared.title)) * 1.3) as i32;
        let right = (left + columns * cell + 2 * GAP + bar + GAP).max(left + words.max(title) + GAP);
        let bottom = (top + rows * cell + GAP + below + GAP + LABEL).max(top + BAR_LEAST_HEIGHT);
        let notes = prepared.notes.len() as i32 * (LABEL + 4);
        Self {
            cell,
            rows,
            columns,
            left,
            top,
            below,
            size: (right as u32, (bottom + GAP + notes + GAP) as u32),
        }
    }

    /// Height of the colour bar.
    pub(crate) fn bar_height(&self) -> i32 {
        (self.rows * self.cell).max(BAR_LEAST_HEIGHT)
    }

    /// Where the cells end.
    pub(crate) fn right(&self) -> i32 {
        self.left + self.columns * self.cell
    }

    /// The same for their lower end.
    pub(crate) fn bottom(&self) -> i32 {
        self.top + self.rows * self.cell
    }
}

/// Whether a word is wider than its column and therefore written upwards.
pub(crate) fn is_turned(word: &str, cell: i32) -> bool {
    pixels(word) + 4 > cell
}

/// Width of the longest label, as it is cut, in pixels.
pub(crate) fn longest(labels: &Labels) -> i32 {
    let cut = labels.texts().iter().map(|text| pixels(&fit(text, MAX_LABEL)));
    cut.max().unwrap_or(0)
}

/// About how wide a text is.
pub(crate) fn pixels(text: &str) -> i32 {
    (text.width() as f64 * CHARACTER).ceil() as i32
}
