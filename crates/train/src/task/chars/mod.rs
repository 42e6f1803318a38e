//! A language model of any text, one character at a time.
//!
//! Here belongs what is done with the text, and what counts of its characters reach. How a file becomes a text lies in
//! `text_file.rs` beside this folder.

mod ngram;

use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

use qkv_model::random::Rng;
use qkv_run::Baseline;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::text_file::{TextFile, from_anywhere};
use super::{Corpus, Example, HeldOutLists, Split, Task, symbols};
use crate::error::{TextFault, TrainError};
use crate::measure::{Asked, EvaluationProgress};

/// The settings of [`Chars`] in a config file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CharsConfig {
    /// A regular file, a text in UTF-8; a byte-order mark before it is left out.
    pub text: PathBuf,
    /// Number of positions, at most a tenth of the text.
    pub seq_len: usize,
    /// FNV-1a hash of the file in 16 hexadecimal digits, filled in when a run starts; a run is never continued with
    /// another text. Empty: any text.
    #[serde(default)]
    pub fingerprint: String,
}

/// Say the next character of a text
/// ([Karpathy, nanoGPT](https://github.com/karpathy/nanoGPT#quick-start)).
///
/// ```text
/// position   0  1  2  3  4  5
/// input      t  h  e  ␣  c  a        any window of the text
/// target     h  e  ␣  c  a  ·        the next character of the window
/// ```
///
/// The first 80 % of the text are for training, the next 10 % for validation and the last 10 % for testing. The windows
/// of a held-out part follow each other such that every one of its characters is a target exactly once, after at most
/// `seq_len - 1` characters of its window.
///
/// Sinusoidal positions and fixed embeddings keep the comparison of the variants fair, because learned ones could take
/// over part of the work of W_Q and W_K; they cost a model of this size next to nothing.
#[derive(Debug, Clone)]
pub struct Chars {
    config: CharsConfig,
    /// The different characters in ascending order; the index is the token.
    alphabet: Vec<char>,
    tokens: Vec<u32>,
    /// Bytes of the text.
    text_len: usize,
    /// Whether the file starts with a byte-order mark, which is no token.
    had_mark: bool,
}

/// Most different characters: a Chinese novel has about 4,000.
const MAX_CHARS: usize = 8192;

impl CharsConfig {
    /// Reads the text, once.
    ///
    /// # Errors
    /// If there is no text, it cannot be read or used, or it is not the one that the fingerprint belongs to.
    pub fn load(&self) -> Result<Chars, TrainError> {
        self.load_by(TextFile::read, from_anywhere)
    }

    /// The same where the bytes of the text are in memory already, for what has no files.
    ///
    /// ```
    /// use qkv_train::{CharsConfig, Task};
    ///
    /// let config = CharsConfig { text: "song.txt".into(), seq_len: 4, fingerprint: String::new() };
    /// let song = config.of_bytes("la la la, ".repeat(5).into_bytes())?;
    /// assert_eq!(song.vocabulary(), ["␣", ",", "a", "l"]);
    /// # Ok::<(), qkv_train::TrainError>(())
    /// ```
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn of_bytes(&self, bytes: Vec<u8>) -> Result<Chars, TrainError> {
        self.load_by(|path| TextFile::of_bytes(path, bytes), Path::to_owned)
    }

    /// Reads the text by `read`; the task keeps what `place` makes of its path.
    fn load_by(
        &self,
        read: impl FnOnce(&Path) -> Result<TextFile, TrainError>,
        place: impl FnOnce(&Path) -> PathBuf,
    ) -> Result<Chars, TrainError> {
        TrainError::between("task.seq_len", self.seq_len, 2, symbols::MAX_LEN)?;
        if self.text.as_os_str().is_empty() {
            return Err(TrainError::NoText);
        }
        let file = read(&self.text)?;
        if let Some(fault) = file.changed(&self.fingerprint) {
            return Err(TrainError::text(&self.text, fault));
        }
        let config = Self { text: place(&self.text), fingerprint: file.fingerprint.clone(), ..self.clone() };
        Chars::new(config, &file)
    }
}

impl Chars {
    fn new(config: CharsConfig, file: &TextFile) -> Result<Self, TrainError> {
        let text = &file.text;
        let refuse = |fault| Err(TrainError::text(&config.text, fault));
        let mut occurs = vec![false; char::MAX as usize + 1];
        let mut n_chars = 0;
        for char in text.chars() {
            occurs[char as usize] = true;
            n_chars += 1;
        }
        // A held-out part has to hold a whole window.
        let needed = 10 * config.seq_len;
        if n_chars < needed {
            return refuse(TextFault::TooShort { n_chars, seq_len: config.seq_len, needed });
        }
        let alphabet: Vec<char> = ('\0'..=char::MAX).filter(|&char| occurs[char as usize]).collect();
        if alphabet.len() > MAX_CHARS {
            return refuse(TextFault::TooManyChars { found: alphabet.len(), most: MAX_CHARS });
        }
        let token = |char: char| alphabet.binary_search(&char).expect("made of these characters") as u32;
        // Collected without its length, they would be copied from place to place.
        let mut tokens = Vec::with_capacity(n_chars);
        tokens.extend(text.chars().map(token));
        Ok(Self { config, alphabet, tokens, text_len: text.len(), had_mark: file.had_mark })
    }

    /// Where a split lies in the text.
    fn part(&self, split: Split) -> Range<usize> {
        let n_chars = self.tokens.len();
        let held_out = n_chars / 10;
        match split {
            Split::Train => 0..n_chars - 2 * held_out,
            Split::Validation => n_chars - 2 * held_out..n_chars - held_out,
            Split::Test => n_chars - held_out..n_chars,
        }
    }
}

impl Task for Chars {
    fn summary(&self) -> String {
        let file = self.config.text.file_name().unwrap_or_default().display();
        let mark = if self.had_mark { ", byte-order mark left out" } else { "" };
        let (n_chars, n_different) = (self.tokens.len(), self.alphabet.len());
        format!("predict the next character of {file}: {n_chars} characters, {n_different} different{mark}")
    }

    fn vocabulary(&self) -> Vec<String> {
        self.alphabet.iter().map(|&char| symbols::character(char)).collect()
    }

    fn seq_len(&self) -> usize {
        self.config.seq_len
    }

    fn needs_causal_mask(&self) -> bool {
        true
    }

    /// Four bytes a token, and the text, whose place the allocator keeps.
    fn n_bytes(&self) -> u64 {
        (4 * self.tokens.len() + self.text_len) as u64
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        let part = &self.tokens[self.part(Split::Train)];
        let start = rng.random_range(0..=part.len() - self.config.seq_len);
        part[start..start + self.config.seq_len].to_vec()
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        tokens[1..].iter().copied().map(Some).chain([None]).collect()
    }

    fn held_out_lists(&self) -> Option<&dyn HeldOutLists> {
        Some(self)
    }

    fn corpus(&self) -> Option<&dyn Corpus> {
        Some(self)
    }
}

impl HeldOutLists for Chars {
    fn n_held_out(&self, split: Split) -> u64 {
        let new_targets = self.config.seq_len - 1;
        self.part(split).len().div_ceil(new_targets) as u64
    }

    fn held_out(&self, split: Split, index: u64) -> Example {
        let (part, seq_len) = (self.part(split), self.config.seq_len);
        let next = part.start + index as usize * (seq_len - 1);
        // The character before the first target is its only context; the last window starts earlier, because it has to
        // end with the part.
        let start = (next - 1).min(part.end - seq_len);
        let mut example = Example::new(self, self.tokens[start..start + seq_len].to_vec());
        let seen = next - 1 - start;
        example.targets[..seen].fill(None);
        example
    }
}

impl Corpus for Chars {
    /// The text's fingerprint, and a path that holds in any folder.
    fn resolved_settings(&self) -> Map<String, Value> {
        let CharsConfig { text, fingerprint, .. } = &self.config;
        let settings = [("text", text.to_string_lossy()), ("fingerprint", fingerprint.into())];
        settings.map(|(key, value)| (key.to_owned(), value.into())).into_iter().collect()
    }

    fn baselines(
        &self,
        split: Split,
        ask: &mut dyn FnMut(EvaluationProgress) -> ControlFlow<()>,
    ) -> Asked<Vec<Baseline>> {
        if split == Split::Train {
            return ControlFlow::Continue(Vec::new());
        }
        let parts = ngram::Parts {
            text: &self.tokens,
            vocab_size: self.alphabet.len(),
            train: self.part(Split::Train),
            validation: self.part(Split::Validation),
            held_out: self.part(split),
        };
        ngram::baselines(parts, ask)
    }

    fn n_bytes_of_baselines(&self) -> u64 {
        ngram::n_bytes(self.alphabet.len(), self.part(Split::Train), self.part(Split::Test))
    }

    fn unit(&self) -> &str {
        "character"
    }

    /// A new line, or the first character of a text of one line.
    fn prompt(&self) -> Option<Vec<u32>> {
        let new_line = self.alphabet.binary_search(&'\n').ok().map(|token| token as u32);
        Some(vec![new_line.unwrap_or(self.tokens[0])])
    }

    /// The characters themselves; labels stand for those that cannot be seen.
    fn text(&self, tokens: &[u32]) -> String {
        tokens.iter().map(|&token| self.alphabet[token as usize]).collect()
    }
}
