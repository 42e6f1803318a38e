//! From a [`View`] to a screen of any size: a pure function.
//!
//! Neither the model nor the terminal is used here: `capture` reads the one, `terminal` writes to the other.

mod arrangement;
mod canvas;
mod cells;
mod help;
mod lines;
mod panel;
mod plot;
#[cfg(test)]
mod screens;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};

use crate::live::view::{Training, View};
use canvas::Canvas;
use lines::{columns, figures, keys, wrapped};

/// From here on a second line of figures does not cost the map too much.
const TWO_LINES: u16 = 10;

/// Draws all that fits into `area`: the map is the last to go.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let canvas = &mut Canvas { buffer, style: view.style };
    let most = if area.height >= TWO_LINES { 2 } else { 1 };
    let figures = figures(view);
    // The task's name alone is not worth a line.
    let n_lines = wrapped(figures[..figures.len() - 1].to_vec(), area.width, most).len();
    let heading = wrapped(figures, area.width, n_lines);
    let [head, middle, foot] = Layout::vertical([
        Constraint::Length(heading.len() as u16),
        Constraint::Min(0),
        Constraint::Length(u16::from(area.height > 1)),
    ])
    .areas(area);
    let emphasis = match view.training {
        Training::Runs => Modifier::BOLD,
        Training::Held | Training::Over => Modifier::BOLD | Modifier::REVERSED,
    };
    for (row, line) in head.rows().zip(heading) {
        canvas.line(row, &line, Style::new().add_modifier(emphasis));
    }
    footing(view, foot, canvas);
    if view.has_help {
        help::draw(middle, canvas);
    } else {
        arrangement::draw(view, middle, canvas);
    }
}

/// The message and the keys, as many as fit.
fn footing(view: &View, area: Rect, canvas: &mut Canvas) {
    let message = Some(("", view.message.as_str())).filter(|(_, message)| !message.is_empty());
    let mut left = area;
    for (key, meaning) in message.into_iter().chain(keys(view.training, view.motion)) {
        let text = format!("{key} {meaning}").trim_start().to_owned();
        let width = columns(&text) as u16;
        if width > left.width {
            break;
        }
        canvas.line(left, &text, Style::new());
        canvas.line(left, key, Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED));
        let used = (width + 2).min(left.width);
        left = Rect { x: left.x + used, width: left.width - used, ..left };
    }
}
