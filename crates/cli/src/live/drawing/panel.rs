//! The attention map and W_Q, W_K, W_V as cells of a terminal.

use qkv_inspect::{Cell, Grid, HeatMap, Matrix, Palette, Scale, TextStyle, significant};
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::canvas::{Canvas, beneath_title};
use super::cells::{Cells, LARGE, Size};
use super::lines::{columns, wrapped};

/// Longest label beside a row, in columns.
const MAX_LABEL: usize = 3;

/// Half a cell whose value is not finite; orange, blue and the colours of weights have other meanings.
const NON_FINITE: Color = Color::DarkGray;

/// One matrix under its title.
pub struct Panel<'a> {
    /// Parts, of which as many are shown as fit.
    pub title: Vec<String>,
    /// The matrix, or a sentence in its place.
    pub matrix: Result<&'a Matrix, &'a str>,
    /// Of the rows and of the columns; empty where they have none.
    pub labels: [&'a [String]; 2],
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

    /// Columns and rows that it takes with large cells, so many times as large, with title and labels.
    pub fn wish(&self, factor: u16) -> (u16, u16) {
        let factor = usize::from(factor);
        let [rows, columns] = self.matrix.map_or([0; 2], shape);
        let labels = usize::from(self.has_labels());
        let wish = [self.gutter() + columns * usize::from(LARGE) * factor, 1 + rows * factor + labels];
        let [columns, rows] = wish.map(|count| u16::try_from(count).unwrap_or(u16::MAX / 2));
        (columns, rows)
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
            Size::Large if cells.are_labelled() && self.has_labels() => {
                let place = self.beside_labels(inside);
                large(matrix, &grid, cells.factor, place, canvas);
                self.label(inside, place, cells.factor, canvas);
            }
            Size::Large => large(matrix, &grid, cells.factor, inside, canvas),
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
        if !self.has_labels() {
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

    fn has_labels(&self) -> bool {
        !self.labels[0].is_empty()
    }

    fn gutter(&self) -> usize {
        let longest = self.labels[0].iter().map(|label| columns(label)).max();
        longest.map_or(0, |longest| longest.min(MAX_LABEL) + 1)
    }

    /// Beside the middle of each row of cells, and below that of each column.
    fn label(&self, inside: Rect, place: Rect, factor: usize, canvas: &mut Canvas) {
        let (dim, width) = (canvas.dim(), LARGE * factor as u16);
        let [down, across] = self.labels;
        let rows = inside.rows().skip((factor - 1) / 2).step_by(factor);
        for (row, label) in rows.zip(down) {
            canvas.line(Rect { width: MAX_LABEL as u16, ..row }, label, dim);
        }
        // Longer ones would run together.
        if across.iter().all(|label| columns(label) < usize::from(width)) {
            let below = Rect { y: place.y + (down.len() * factor) as u16, height: 1, ..place };
            let places = (below.left()..below.right()).step_by(usize::from(width));
            for (x, label) in places.zip(across) {
                let before = (width - columns(label) as u16) / 2;
                canvas.line(Rect { x: x + before, width: width - before, ..below }, label, dim);
            }
        }
    }
}

fn shape(matrix: &Matrix) -> [usize; 2] {
    [matrix.rows(), matrix.columns()]
}

/// Every cell `factor` times as large as two columns of a line, with its number in the middle where that has room.
fn large(matrix: &Matrix, grid: &Grid, factor: usize, area: Rect, canvas: &mut Canvas) {
    let (height, width) = (factor as u16, LARGE * factor as u16);
    let has_room = factor > 1 && grid.block == [1, 1];
    for (row, (top, cells)) in (area.top()..area.bottom()).step_by(factor).zip(&grid.rows).enumerate() {
        let places = (area.left()..area.right()).step_by(usize::from(width));
        for (column, (x, cell)) in places.zip(cells).enumerate() {
            let number = has_room.then(|| matrix.row(row)[column]);
            let number = number.and_then(|number| short(number, usize::from(width) - 1));
            let style = cell.background.map_or(Style::new(), |colour| {
                Style::new().bg(canvas.rgb(colour)).fg(canvas.rgb(readable_on(colour)))
            });
            let middle = number.as_deref().unwrap_or(&cell.text);
            for y in top..top + height {
                let text = match is_a_shade(cell) {
                    true => cell.text.repeat(factor),
                    false if y == top + (height - 1) / 2 => middle.to_owned(),
                    false => String::new(),
                };
                let text = format!("{text:^width$}", width = usize::from(width));
                canvas.buffer.set_stringn(x, y, text, usize::from(width), style);
            }
        }
    }
}

/// Whether the characters of a cell stand for its value by how dark they are.
fn is_a_shade(cell: &Cell) -> bool {
    let mut characters = cell.text.chars();
    characters.next() == characters.next() && cell.background.is_none() && cell.text != "??"
}

/// Black or white, whichever can be read on a colour.
fn readable_on([r, g, b]: [u8; 3]) -> [u8; 3] {
    // The weights of the eye, by ITU-R BT.601.
    let luminance = 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    if luminance > 140.0 { [0; 3] } else { [255; 3] }
}

/// A number in at most so many columns, without a zero before its point: ".97", "-1.2"; `None` where it has no room.
fn short(number: f64, columns: usize) -> Option<String> {
    let number = Some(number).filter(|number| number.is_finite())?;
    let with = |decimals: usize| {
        let text = format!("{number:.decimals$}");
        let is_zero = text.chars().all(|c| "-0.".contains(c));
        let text = if is_zero { text.replace('-', "") } else { text };
        text.replacen("0.", ".", usize::from(number.abs() < 1.0))
    };
    [2, 1, 0].map(with).into_iter().find(|text| text.len() <= columns)
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
