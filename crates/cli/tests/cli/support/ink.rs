//! The inks of what a command printed on a terminal.

use vt100::{Cell, Color, Screen};

/// How characters look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ink {
    pub colour: Color,
    pub is_bold: bool,
    pub is_dim: bool,
}

/// The pieces of a screen, each of one ink and one line.
pub fn inks(screen: &Screen) -> Vec<(Ink, String)> {
    let mut pieces: Vec<(Ink, String)> = Vec::new();
    for (column, cell) in cells(screen) {
        let ink = Ink { colour: cell.fgcolor(), is_bold: cell.bold(), is_dim: cell.dim() };
        match pieces.last_mut().filter(|(before, _)| *before == ink && column > 0) {
            Some((_, text)) => text.push_str(cell.contents()),
            None => pieces.push((ink, cell.contents().to_owned())),
        }
    }
    pieces
}

/// The colours behind it, where there are any.
pub fn backgrounds(screen: &Screen) -> Vec<Color> {
    let colours = cells(screen).map(|(_, cell)| cell.bgcolor());
    colours.filter(|&colour| colour != Color::Default).collect()
}

/// Every cell of a screen behind its column, row by row.
fn cells(screen: &Screen) -> impl Iterator<Item = (u16, &Cell)> {
    let (rows, columns) = screen.size();
    let places = (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)));
    places.filter_map(|(row, column)| Some((column, screen.cell(row, column)?)))
}
