//! The inks of a text: on a terminal colours and weights of type, elsewhere none.

use std::io::{self, Sink, Write};

use qkv_inspect::{TextStyle, identities_on_any_ground, of_256};

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// All that is nothing of the others.
    Plain,
    Title,
    /// What can be passed over: shapes, axes, hints.
    Quiet,
    Query,
    Key,
    Value,
    /// What is right or agrees.
    Good,
    /// What is wrong or differs.
    Bad,
}

/// What a text is written to. All inks are alike, unless it has some.
pub trait Inked: Write {
    /// Writes a piece of text in an ink.
    fn ink(&mut self, ink: Ink, text: &str) -> io::Result<()> {
        let _ = ink;
        self.write_all(text.as_bytes())
    }
}

impl Inked for Vec<u8> {}

impl Inked for Sink {}

impl Ink {
    /// The escape sequence that begins it on a terminal of this style; none where it looks like any other text.
    pub fn start(self, style: TextStyle) -> Option<String> {
        let [query, key, value] = identities_on_any_ground();
        // Readable on light and on dark ground, and told apart without telling red from green.
        let rgb = match (self, style) {
            (_, TextStyle::Plain) | (Self::Plain, _) => return None,
            (Self::Title, _) => return Some("\x1b[1m".to_owned()),
            (Self::Quiet, _) => return Some("\x1b[2m".to_owned()),
            (Self::Query, _) => query,
            (Self::Key, _) => key,
            (Self::Value, _) => value,
            (Self::Good, _) => [0x00, 0x87, 0xaf],
            (Self::Bad, _) => [0xd7, 0x5f, 0x00],
        };
        let [r, g, b] = rgb;
        match style {
            TextStyle::Colour256 => Some(format!("\x1b[38;5;{}m", of_256(rgb))),
            _ => Some(format!("\x1b[38;2;{r};{g};{b}m")),
        }
    }
}

/// The escape sequence that ends any ink.
pub const RESET: &str = "\x1b[0m";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_style_with_colours_has_inks() {
        let all = [Ink::Title, Ink::Quiet, Ink::Query, Ink::Key, Ink::Value, Ink::Good, Ink::Bad];
        for ink in all {
            assert_eq!(ink.start(TextStyle::Plain), None);
            for style in [TextStyle::Colour, TextStyle::Colour256] {
                assert!(ink.start(style).is_some_and(|start| start.starts_with("\x1b[")), "{ink:?}");
                assert_eq!(Ink::Plain.start(style), None);
            }
        }
        assert_eq!(Ink::Query.start(TextStyle::Colour).as_deref(), Some("\x1b[38;2;135;95;255m"));
    }
}
