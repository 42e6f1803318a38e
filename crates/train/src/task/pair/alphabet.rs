//! The symbols of the tasks that write texts letter by letter.

use super::packing::{FIRST, SIGNS};
use crate::error::TrainError;
use crate::task::{UnknownSymbol, symbols};

/// Characters, each of which has a token behind those of the signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alphabet {
    /// Different, in ascending order.
    characters: Vec<char>,
}

impl Alphabet {
    /// The characters of these texts.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut characters: Vec<char> = texts.into_iter().flat_map(str::chars).collect();
        characters.sort_unstable();
        characters.dedup();
        Self { characters }
    }

    /// The labels of all tokens.
    pub fn labels(&self) -> Vec<String> {
        SIGNS
            .into_iter()
            .map(String::from)
            .chain(self.characters.iter().map(|&symbol| label(symbol)))
            .collect()
    }

    /// The tokens of a text that has no other characters.
    ///
    /// # Errors
    /// [`TrainError::UnknownSymbols`] with the other ones.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>, TrainError> {
        let (mut tokens, mut unknown) = (Vec::new(), Vec::new());
        for (position, character) in (1..).zip(text.chars()) {
            match self.characters.binary_search(&character) {
                Ok(index) => tokens.push(FIRST + index as u32),
                Err(_) => unknown.push(UnknownSymbol { symbol: character.to_string(), position }),
            }
        }
        if unknown.is_empty() { Ok(tokens) } else { Err(self.refusal(unknown)) }
    }

    fn refusal(&self, unknown: Vec<UnknownSymbol>) -> TrainError {
        let labels: Vec<String> = self.characters.iter().map(|&character| label(character)).collect();
        let space = if self.characters.contains(&' ') { ", where ␣ is a space" } else { "" };
        TrainError::UnknownSymbols { unknown, known: labels.join(" ") + space }
    }

    /// The text of these tokens; signs are left out.
    pub fn text(&self, tokens: &[u32]) -> String {
        let character = |token: &u32| self.characters.get(token.checked_sub(FIRST)? as usize);
        tokens.iter().filter_map(character).collect()
    }
}

/// A character as it can be shown, which no sign is.
pub(super) fn label(character: char) -> String {
    if SIGNS.contains(&character) {
        character.escape_unicode().to_string()
    } else {
        symbols::character(character)
    }
}
