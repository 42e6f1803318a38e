//! The attention map and W_Q, W_K, W_V as cells of a terminal.

use qkv_inspect::{Cell, Grid, HeatMap, Matrix, Palette, Scale, TextStyle, significant};
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::canvas::{Canvas, beneath_title};
use super::cells::{Cells, LARGE, Size};
use super::lines::{columns, wrapped};

/// Longest label beside a row, in columns.
const MAX_LABEL: usize = 3;

/// Half a cell whose value is not finite; blue, red and the colours of weights have other meanings.
const NON_FINITE: Color = Color::DarkGray;

/// One matrix under its title.
pub struct Panel<'a> {
    /// Parts, of which as many are shown as fit.
    pub title: Vec<String>,
    /// The matrix, or a sentence in its place.
    pub matrix: Result<&'a Matrix, &'a str>,
    /// Of the rows and, because they are the same, of the columns; empty where they have none.
    pub labels: &'a [String],
    pub palette: Palette,
}

impl Panel<'_> {
    /// The size at which its values are drawn in `area`.
    pub fn cells(&self, area: Rect, style: TextStyle) -> Option<Cells> {
        let shape = shape(self.matrix.ok()?);
        let inside = beneath_title(area);
        let labelled = Cells::fitting(shape, self.beside_labels(inside), style);
        let cells = if labelled.are_labelled() { labelled } else { Cells::fitting(shape, inside, style) };
        Some(cells)
    }

    /// Columns that it takes with the largest cells, labels included.
    pub fn wish(&self) -> u16 {
        let columns = self.matrix.map_or(0, |matrix| self.gutter() + matrix.columns() * usize::from(LARGE));
        u16::try_from(columns).unwrap_or(u16::MAX)
    }

    pub fn draw(&self, area: Rect, canvas: &mut Canvas) {
        let inside = beneath_title(area);
        let cells = self.cells(area, canvas.style).filter(|_| !inside.is_empty());
        let (Ok(matrix), Some(cells)) = (self.matrix, cells) else {
            canvas.title(area, &wrapped(self.title.clone(), area.width, 1).concat());
            canvas.text(inside, self.matrix.err().unwrap_or_default());
            return;
        };
        let [rows, across] = cells.of(shape(matrix));
        let map = HeatMap::new(matrix, self.palette).at_most(rows, across);
        let map = match self.palette {
            Palette::Sequential => map.with_scale(Scale::sequential(0.0, 1.0)),
            Palette::Diverging => map,
        };
        let grid = map.grid(canvas.style);
        canvas.title(area, &wrapped(self.heading(matrix, &grid), area.width, 1).concat());
        match cells.size {
            Size::Large if cells.are_labelled() && !self.labels.is_empty() => {
                let place = self.beside_labels(inside);
                large(&grid, place, canvas);
                self.label(inside, place, canvas);
            }
            Size::Large => large(&grid, inside, canvas),
            Size::Small => small(&grid, inside, canvas),
        }
    }

    /// Name, range of the values, shape, and the values behind a cell.
    fn heading(&self, matrix: &Matrix, grid: &Grid) -> Vec<String> {
        let mut parts = self.title.clone();
        if let (Palette::Diverging, Some((low, high))) = (self.palette, matrix.range()) {
            parts.push(format!("±{}", significant(high.max(-low))));
        }
        parts.push(format!("[{} × {}]", matrix.rows(), matrix.columns()));
        if grid.block != [1, 1] {
            parts.push(format!("cells of {} × {}", grid.block[0], grid.block[1]));
        }
        parts
    }

    /// The area of the cells: labels stand on the left, and below where each has its column.
    fn beside_labels(&self, inside: Rect) -> Rect {
        if self.labels.is_empty() {
            return inside;
        }
        let gutter = (self.gutter() as u16).min(inside.width);
        Rect {
            x: inside.x + gutter,
            width: inside.width - gutter,
            height: inside.height.saturating_sub(1),
            ..inside
        }
    }

    fn gutter(&self) -> usize {
        let longest = self.labels.iter().map(|label| columns(label)).max();
        longest.map_or(0, |longest| longest.min(MAX_LABEL) + 1)
    }

    fn label(&self, inside: Rect, place: Rect, canvas: &mut Canvas) {
        let dim = canvas.dim();
        for (row, label) in inside.rows().zip(self.labels) {
            canvas.line(Rect { width: MAX_LABEL as u16, ..row }, label, dim);
        }
        // Longer ones would run together.
        if self.labels.iter().all(|label| columns(label) < usize::from(LARGE)) {
            let below = Rect { y: place.y + self.labels.len() as u16, height: 1, ..place };
            for (x, label) in (below.left()..below.right()).step_by(usize::from(LARGE)).zip(self.labels) {
                canvas.line(Rect { x, width: LARGE, ..below }, label, dim);
            }
        }
    }
}

fn shape(matrix: &Matrix) -> [usize; 2] {
    [matrix.rows(), matrix.columns()]
}

fn large(grid: &Grid, area: Rect, canvas: &mut Canvas) {
    for (y, row) in (area.top()..area.bottom()).zip(&grid.rows) {
        for (x, cell) in (area.left()..area.right()).step_by(usize::from(LARGE)).zip(row) {
            let style = cell.background.map_or(Style::new(), |colour| Style::new().bg(canvas.rgb(colour)));
            canvas.buffer.set_stringn(x, y, &cell.text, usize::from(LARGE), style);
        }
    }
}

/// Two rows of cells a line: the upper half of each character, and what is behind it.
fn small(grid: &Grid, area: Rect, canvas: &mut Canvas) {
    for (y, rows) in (area.top()..area.bottom()).zip(grid.rows.chunks(2)) {
        for (column, x) in (area.left()..area.right()).enumerate().take(rows[0].len()) {
            let colour = |cell: &Cell| cell.background.map_or(NON_FINITE, |colour| canvas.rgb(colour));
            let above = colour(&rows[0][column]);
            let below = rows.get(1).map_or(Color::Reset, |row| colour(&row[column]));
            canvas.buffer.set_string(x, y, "▀", Style::new().fg(above).bg(below));
        }
    }
}
