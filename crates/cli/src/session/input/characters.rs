//! Tasks whose every token is one character.

use std::collections::BTreeMap;

use qkv_train::{Task, UnknownSymbol};

/// The token of every character, for a task each of whose tokens is one.
pub struct Characters {
    tokens: BTreeMap<char, u32>,
    labels: Vec<String>,
}

impl Characters {
    /// `None` for any other task.
    pub fn of(task: &dyn Task) -> Option<Self> {
        let labels = task.vocabulary();
        let character = |token: u32| {
            let text = match task.corpus() {
                Some(corpus) => corpus.text(&[token]),
                None => labels[token as usize].clone(),
            };
            let mut characters = text.chars();
            characters.next().filter(|_| characters.next().is_none())
        };
        let tokens = (0..labels.len() as u32).map(|token| Some((character(token)?, token)));
        let tokens: BTreeMap<char, u32> = tokens.collect::<Option<_>>()?;
        (task.stack() == 1 && tokens.len() == labels.len()).then_some(Self { tokens, labels })
    }

    /// Whether a text can have spaces or line ends.
    pub fn have_white_space(&self) -> bool {
        self.tokens.keys().any(|character| character.is_whitespace())
    }

    /// The label of a space and its token.
    pub fn space(&self) -> Option<(&str, u32)> {
        let token = *self.tokens.get(&' ')?;
        Some((&self.labels[token as usize], token))
    }

    /// The tokens of a text, in which a label may also stand for its character.
    ///
    /// # Errors
    /// With the characters that have no token.
    pub fn read(&self, text: &str) -> Result<Vec<u32>, Vec<UnknownSymbol>> {
        let (mut tokens, mut unknown, mut rest) = (Vec::new(), Vec::new(), text);
        let mut position = 1;
        while let Some(character) = rest.chars().next() {
            let (token, read) = match (self.tokens.get(&character), self.label_at(rest)) {
                (Some(&token), _) => (Some(token), &rest[..character.len_utf8()]),
                (None, Some((token, label))) => (Some(token), label),
                (None, None) => (None, &rest[..character.len_utf8()]),
            };
            match token {
                Some(token) => tokens.push(token),
                None => unknown.push(UnknownSymbol { symbol: read.to_owned(), position }),
            }
            position += read.chars().count();
            rest = &rest[read.len()..];
        }
        if unknown.is_empty() { Ok(tokens) } else { Err(unknown) }
    }

    /// The longest label with which a text begins.
    fn label_at(&self, text: &str) -> Option<(u32, &str)> {
        let labels = self.labels.iter().enumerate().filter(|(_, label)| text.starts_with(label.as_str()));
        let longest = labels.max_by_key(|(_, label)| label.len());
        longest.map(|(token, label)| (token as u32, label.as_str()))
    }
}
