//! How large the values of a matrix are drawn.

use std::cmp::Reverse;

use qkv_inspect::TextStyle;
use ratatui::layout::Rect;

/// Columns of a value that is drawn large: two columns and one row are about square.
pub const LARGE: u16 = 2;

/// Beyond, a cell is no longer read as a part of its matrix.
pub const MAX_FACTOR: usize = 4;

/// The size of a value on the screen. Better is greater: first fewer values a cell, then large cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cells {
    /// So many values each way share a cell.
    block: Reverse<usize>,
    pub size: Size,
    /// Large cells are so many times as large, each way.
    pub factor: usize,
}

/// The size of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// One column and half a row: the upper or lower half of a block character.
    Small,
    /// Two columns and one row.
    Large,
}

impl Cells {
    /// The largest cells with which a matrix of this shape fits. Without colours none is small, because a character
    /// has no halves then.
    pub fn fitting(shape: [usize; 2], area: Rect, style: TextStyle) -> Self {
        let [rows, columns] = [area.height, area.width].map(usize::from);
        let fitting = |size: Size, most: [usize; 2]| {
            let need = |axis: usize| shape[axis].div_ceil(most[axis].max(1));
            let block = need(0).max(need(1));
            let room = |axis: usize| most[axis] / shape[axis].div_ceil(block).max(1);
            let factor = if size == Size::Large { room(0).min(room(1)).clamp(1, MAX_FACTOR) } else { 1 };
            Self { block: Reverse(block), size, factor }
        };
        let large = fitting(Size::Large, [rows, columns / usize::from(LARGE)]);
        match style {
            TextStyle::Colour | TextStyle::Colour256 => large.max(fitting(Size::Small, [2 * rows, columns])),
            TextStyle::Plain => large,
        }
    }

    /// Rows and columns of cells of a matrix of this shape.
    pub fn of(self, shape: [usize; 2]) -> [usize; 2] {
        shape.map(|count| count.div_ceil(self.block.0))
    }

    /// Whether every value has a cell that is large enough for a word beside it.
    pub fn are_labelled(self) -> bool {
        (self.block, self.size) == (Reverse(1), Size::Large)
    }

    /// What decides about an arrangement: a value that can be read is worth more than a cell that is larger still.
    pub fn legibility(self) -> impl Ord {
        (self.block, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_as_large_as_fits() {
        let cells = |width, height, style| Cells::fitting([16, 7], Rect::new(0, 0, width, height), style);
        let of = |size, block| Cells { block: Reverse(block), size, factor: 1 };
        assert_eq!(cells(14, 16, TextStyle::Colour), of(Size::Large, 1));
        assert_eq!(cells(13, 16, TextStyle::Colour), of(Size::Small, 1));
        assert_eq!(cells(7, 8, TextStyle::Colour), of(Size::Small, 1));
        assert_eq!(cells(7, 7, TextStyle::Colour), of(Size::Small, 2));
        assert_eq!(cells(7, 8, TextStyle::Plain), of(Size::Large, 3));
        assert_eq!(cells(41, 47, TextStyle::Colour), Cells { factor: 2, ..of(Size::Large, 1) });
        assert_eq!(cells(42, 48, TextStyle::Plain), Cells { factor: 3, ..of(Size::Large, 1) });
        assert_eq!(of(Size::Small, 3).of([16, 7]), [6, 3]);
    }
}
