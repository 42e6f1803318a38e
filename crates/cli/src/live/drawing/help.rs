//! The help: every key, and how to read the colours.

use qkv_inspect::TextStyle;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::canvas::Canvas;
use super::lines::{columns, folded};
use crate::live::keys::HELP;

pub fn draw(area: Rect, canvas: &mut Canvas) {
    let widest = HELP.iter().map(|(keys, _)| columns(keys)).max().unwrap_or(0);
    let width = area.width.saturating_sub(widest as u16 + 2);
    // A meaning that needs a second line goes on below itself.
    let keys = HELP.iter().flat_map(|(keys, meaning)| {
        let meaning = folded(meaning, width).into_iter().enumerate();
        meaning.map(move |(row, part)| format!("{:<widest$}  {part}", if row == 0 { keys } else { "" }))
    });
    let legend = match canvas.style {
        TextStyle::Colour | TextStyle::Colour256 => {
            ["weights: light is 0, dark is 1", "W_Q, W_K, W_V: orange below zero, blue above"]
        }
        TextStyle::Plain => ["weights: blank is 0, @ is 1", "W_Q, W_K, W_V: ninths of the number after ±"],
    };
    let legend = legend.iter().flat_map(|line| folded(line, area.width));
    for (row, line) in area.rows().zip(keys.chain([String::new()]).chain(legend)) {
        canvas.line(row, &line, Style::new());
    }
}
