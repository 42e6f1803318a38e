//! Heat maps for a terminal, or for a log that has no colours.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::number::significant;
use crate::picture::cell::{Cell, RAMP};
use crate::picture::heat_map::{HeatMap, Labels, Prepared};
use crate::picture::label::{fit, pad_left, pad_right};
use crate::picture::palette::{Palette, Rgb, of_256};
use crate::picture::scale::Scale;

/// How cells are written; each is two columns wide, and therefore about square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextStyle {
    /// Backgrounds in 24-bit colour (ANSI escape sequences).
    Colour,
    /// Backgrounds in the nearest of the 256 colours of xterm, for a terminal that has no more.
    Colour256,
    /// Characters alone: a ramp from blank to `@` for amounts; sign and ninths of the largest magnitude, `-9` to `+9`,
    /// with `.` near zero, for weights.
    Plain,
}

/// Longest label beside a row, in columns.
const MAX_ROW_LABEL: usize = 14;

/// Longest label above a column, which is written downwards, in lines.
const MAX_COLUMN_LABEL: usize = 10;

/// Cells between two counted columns.
const COUNT_EVERY: usize = 4;

/// Cells of the colour bar on each side of its middle.
const HALF_BAR: usize = 10;

const RESET: &str = "\x1b[0m";

impl HeatMap<'_> {
    /// The map as lines of text: title, column labels, one line a row, and the scale.
    pub fn text(&self, style: TextStyle) -> String {
        let prepared = self.prepare();
        let mut lines = Vec::new();
        lines.push(heading(&prepared));
        let rows: Vec<String> =
            prepared.labels[0].texts().iter().map(|label| fit(label, MAX_ROW_LABEL)).collect();
        let margin = rows.iter().map(|label| label.width()).max().unwrap_or(0);
        for labels in column_labels(&prepared.labels[1]) {
            lines.push(format!("{} {labels}", " ".repeat(margin)));
        }
        for (row, label) in rows.iter().enumerate() {
            let cells = cells(prepared.cells.matrix.row(row), &prepared.scale, style);
            lines.push(format!("{} {cells}", pad_left(label, margin)));
        }
        lines.push(format!("scale {}; {}", legend(&prepared.scale, style), self.values_note()));
        lines.extend(prepared.notes);
        let mut text = String::new();
        for line in lines {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

fn heading(prepared: &Prepared) -> String {
    let matrix = &prepared.cells.matrix;
    let [down, across] = matrix.axes();
    let axes = format!("({} {down} down, {} {across} across)", matrix.rows(), matrix.columns());
    match prepared.title {
        "" => axes,
        title => format!("{title}  {axes}"),
    }
}

/// Lines above the cells: one where the labels fit over a cell, else one a character, read downwards.
fn column_labels(labels: &Labels) -> Vec<String> {
    let texts = labels.texts();
    let widest = texts.iter().map(|text| text.width()).max().unwrap_or(0);
    match labels {
        _ if widest <= 1 => vec![texts.iter().map(|text| pad_right(text, 2)).collect()],
        Labels::Positions(_) => {
            vec![texts.chunks(COUNT_EVERY).map(|chunk| pad_right(&chunk[0], 2 * COUNT_EVERY)).collect()]
        }
        Labels::Words(_) => {
            let words: Vec<Vec<char>> =
                texts.iter().map(|text| fit(text, MAX_COLUMN_LABEL).chars().collect()).collect();
            let lines = words.iter().map(Vec::len).max().unwrap_or(0);
            (0..lines).map(|line| line_of(&words, lines, line)).collect()
        }
    }
}

/// Line `line` of `lines` of words that stand on the cells.
fn line_of(words: &[Vec<char>], lines: usize, line: usize) -> String {
    words
        .iter()
        .map(|word| {
            let above = lines - word.len();
            let letter = line.checked_sub(above).map(|i| word[i].to_string());
            pad_right(&letter.unwrap_or_default(), 2)
        })
        .collect()
}

fn cells(row: &[f64], scale: &Scale, style: TextStyle) -> String {
    let mut line = String::new();
    for &x in row {
        let Cell { text, background } = Cell::of(x, scale, style);
        match background {
            None => line.push_str(&text),
            Some(colour) => block(&mut line, colour, &text, style),
        }
    }
    // A blank cell at the end of a line would be invisible otherwise.
    if style == TextStyle::Plain && scale.palette == Palette::Sequential {
        line.push('|');
    }
    line
}

fn block(line: &mut String, colour: Rgb, text: &str, style: TextStyle) {
    let ([r, g, b], index) = (colour, of_256(colour));
    let background =
        if style == TextStyle::Colour256 { format!("5;{index}") } else { format!("2;{r};{g};{b}") };
    write!(line, "\x1b[48;{background}m{text}{RESET}").expect("a string takes every write");
}

fn legend(scale: &Scale, style: TextStyle) -> String {
    let (low, high) = (significant(scale.low), significant(scale.high));
    match (style, scale.palette) {
        (TextStyle::Plain, Palette::Sequential) => {
            format!("{low} [{}] {high}", RAMP.iter().collect::<String>())
        }
        (TextStyle::Plain, Palette::Diverging) => format!("-9 is {low}, . is 0, +9 is {high}"),
        (_, Palette::Sequential) => format!("{low} {} {high}", bar(scale, style, [0.0, 1.0])),
        (_, Palette::Diverging) => {
            let [below, above] = [[0.0, 0.5], [0.5, 1.0]].map(|ends| bar(scale, style, ends));
            format!("{low} {below} 0 {above} {high}")
        }
    }
}

fn bar(scale: &Scale, style: TextStyle, [from, to]: [f64; 2]) -> String {
    let mut bar = String::new();
    for i in 0..=HALF_BAR {
        let fraction = from + (to - from) * i as f64 / HALF_BAR as f64;
        let colour = scale.colour(scale.number_at(fraction)).expect("only finite values have a colour");
        block(&mut bar, colour, " ", style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::dense::Matrix;

    fn matrix(rows: usize, columns: usize, values: &[f64]) -> Matrix {
        Matrix::new(rows, columns, values.to_vec()).expect("as many values as cells")
    }

    #[track_caller]
    fn check(map: HeatMap, style: TextStyle, expected: &[&str]) {
        let text = map.text(style);
        assert_eq!(text.lines().collect::<Vec<_>>(), expected, "\n{text}");
    }

    #[test]
    fn what_is_not_finite_has_its_own_character() {
        let non_finite = matrix(1, 4, &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0]);
        for palette in [Palette::Diverging, Palette::Sequential] {
            for style in [TextStyle::Plain, TextStyle::Colour, TextStyle::Colour256] {
                let text = HeatMap::new(&non_finite, palette).text(style);
                assert!(text.contains("0 ??+∞-∞"), "{text}");
                assert!(text.contains("3 values are NaN or infinite"), "{text}");
            }
        }
        let nothing = matrix(1, 1, &[f64::NAN]);
        check(
            HeatMap::new(&nothing, Palette::Diverging),
            TextStyle::Plain,
            &[
                "(1 row down, 1 column across)",
                "  0",
                "0 ??",
                "scale -9 is 0, . is 0, +9 is 0; no finite value; 1 value is NaN or infinite",
            ],
        );
    }

    #[test]
    fn a_terminal_of_256_colours_gets_the_nearest_ones() {
        let w_q = matrix(1, 3, &[-2.0, 0.0, 2.0]);
        let text = HeatMap::new(&w_q, Palette::Diverging).text(TextStyle::Colour256);
        assert!(
            text.contains("0 \x1b[48;5;172m  \x1b[0m\x1b[48;5;255m  \x1b[0m\x1b[48;5;32m  \x1b[0m\n"),
            "{text:?}"
        );
        assert!(!text.contains("48;2"), "{text:?}");
    }

    #[test]
    fn a_large_matrix_is_reduced_and_says_so() {
        let values: Vec<f64> = (0..13 * 17).map(|i| f64::from(i) - 100.0).collect();
        let large = matrix(13, 17, &values);
        let text = HeatMap::new(&large, Palette::Diverging).at_most(5, 6).text(TextStyle::Plain);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "(5 row down, 6 column across)");
        assert_eq!(lines[1], "   0       12");
        // The corners of the first row of blocks: −100 and −85 in ninths of 120.
        assert!(lines[2].starts_with(" 0 -8-7-7-7-7-6"), "{text}");
        assert_eq!(lines[8], "reduced from 13x17: each cell is a 3x3 block's value of largest magnitude");
    }
}
