//! What one token of a line is, and how lines come back from tokens.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::task::pair::alphabet;

/// What one token of a [`Translate`](crate::Translate) of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// A character.
    Character,
    /// A word: letters and digits without anything between, or one other character. One that follows without a space
    /// begins with a tie, so that a line comes back from its words.
    Word,
}

/// Ties a word to what stands before it.
const TIE: char = '‿';

impl Level {
    /// A symbol, as it is counted.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Character => "character",
            Self::Word => "word",
        }
    }

    /// The symbols of a line.
    pub(super) fn split(self, line: &str) -> Vec<Cow<'_, str>> {
        match self {
            Self::Character => line
                .char_indices()
                .map(|(at, symbol)| Cow::Borrowed(&line[at..at + symbol.len_utf8()]))
                .collect(),
            Self::Word => words(line),
        }
    }

    /// The line of these symbols.
    pub(super) fn join<'a>(self, symbols: impl IntoIterator<Item = &'a str>) -> String {
        let mut line = String::new();
        for symbol in symbols {
            match symbol.strip_prefix(TIE) {
                Some(tied) if self == Self::Word && !tied.is_empty() => line += tied,
                _ => {
                    if self == Self::Word && !line.is_empty() {
                        line.push(' ');
                    }
                    line += symbol;
                }
            }
        }
        line
    }

    /// A symbol as it can be shown, which no sign is.
    pub(super) fn label(self, symbol: &str) -> String {
        symbol.chars().map(alphabet::label).collect()
    }
}

fn words(line: &str) -> Vec<Cow<'_, str>> {
    let mut words = Vec::new();
    for chunk in line.split_whitespace() {
        let mut rest = chunk;
        while let Some(first) = rest.chars().next() {
            let is_in_word = |symbol: char| symbol.is_alphanumeric();
            let len = match is_in_word(first) {
                true => rest.find(|symbol| !is_in_word(symbol)).unwrap_or(rest.len()),
                false => first.len_utf8(),
            };
            let (word, after) = rest.split_at(len);
            let is_tied = rest.len() < chunk.len();
            words.push(if is_tied { Cow::Owned(format!("{TIE}{word}")) } else { Cow::Borrowed(word) });
            rest = after;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_back_from_its_symbols() {
        for line in ["Don't stop, 3.14!", "(a) b-c", "naïve Straße", "‿ ‿‿ a‿", "%s: \"x\" & y…", "你好 世界"]
        {
            for level in [Level::Character, Level::Word] {
                let symbols = level.split(line);
                assert_eq!(level.join(symbols.iter().map(AsRef::as_ref)), line, "{level:?}");
            }
        }
    }

    #[test]
    fn what_stands_without_a_space_is_tied() {
        assert_eq!(Level::Word.split("Don't stop, ok"), ["Don", "‿'", "‿t", "stop", "‿,", "ok"]);
        assert_eq!(Level::Character.split("né"), ["n", "é"]);
    }

    #[test]
    fn no_label_is_that_of_a_sign_or_invisible() {
        assert_eq!(Level::Character.label(" "), "␣");
        assert_eq!(Level::Character.label("⊢"), "\\u{22a2}");
        assert_eq!(Level::Word.label("‿,"), "‿,");
    }
}
