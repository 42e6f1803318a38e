//! The screen that is drawn on, with the colours that it has.

use qkv_inspect::{TextStyle, of_256};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::lines::{columns, folded};

/// All of `area` but the line of its title.
pub fn beneath_title(area: Rect) -> Rect {
    let title = area.height.min(1);
    Rect { y: area.y + title, height: area.height - title, ..area }
}

/// A screen that is being filled. What does not fit is left out.
pub struct Canvas<'a> {
    pub buffer: &'a mut Buffer,
    pub style: TextStyle,
}

impl Canvas<'_> {
    /// One line at the top of `area`, cut to its width.
    pub fn line(&mut self, area: Rect, text: &str, style: Style) {
        let area = area.intersection(self.buffer.area);
        if !area.is_empty() {
            self.buffer.set_stringn(area.x, area.y, text, usize::from(area.width), style);
        }
    }

    /// A text in as many lines as fit, broken between words.
    pub fn text(&mut self, area: Rect, text: &str) {
        for (row, line) in area.rows().zip(folded(text, area.width)) {
            self.line(row, &line, Style::new());
        }
    }

    /// A line with a rule from its end to that of the area.
    pub fn title(&mut self, area: Rect, text: &str) {
        self.line(area, text, Style::new().add_modifier(Modifier::BOLD));
        let written = u16::try_from(columns(text) + 1).unwrap_or(u16::MAX).min(area.width);
        let rest = Rect { x: area.x + written, width: area.width - written, ..area };
        let dim = self.dim();
        self.line(rest, &"─".repeat(usize::from(rest.width)), dim);
    }

    /// For rules, axes and labels.
    pub fn dim(&self) -> Style {
        self.colour(Color::DarkGray)
    }

    /// Characters of this colour, where the screen has colours.
    pub fn colour(&self, colour: Color) -> Style {
        match self.style {
            TextStyle::Colour | TextStyle::Colour256 => Style::new().fg(colour),
            TextStyle::Plain => Style::new(),
        }
    }

    /// A colour of a picture as this screen has it.
    pub fn rgb(&self, [r, g, b]: [u8; 3]) -> Color {
        match self.style {
            TextStyle::Colour256 => Color::Indexed(of_256([r, g, b])),
            TextStyle::Colour | TextStyle::Plain => Color::Rgb(r, g, b),
        }
    }
}
