//! Any pairs of lines, and without a file the names of numbers in two languages.
//!
//! Here belongs the task, and where its pairs come from: a file each.

mod lines;
mod names;
mod numbers;
mod pairs_file;
mod symbols;

pub use names::Language;
pub use symbols::Level;

use std::path::{Path, PathBuf};

use qkv_model::random::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::packing::{END, PADDING, Packing};
use crate::error::{PairsFault, TrainError};
use crate::task::text_file::{TextFile, from_anywhere};
use crate::task::{Corpus, Example, HeldOutLists, Split, Task, Translation, UnknownSymbol};
use lines::Lines;
use numbers::Numbers;

/// The settings of [`Translate`] in a config file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslateConfig {
    /// A regular file in UTF-8, in each line of which stand a source, a tab and a target. Empty: the names of numbers.
    #[serde(default)]
    pub pairs: PathBuf,
    /// What one token is, in a file.
    pub level: Level,
    /// A pair of a file of which one side has more tokens is left out.
    pub max_len: usize,
    /// A character or word that the training part of a file has less often than this is `<unk>`.
    pub min_count: usize,
    /// Language of the sources, without a file.
    pub from: Language,
    /// Language of the answers, without a file.
    pub to: Language,
    /// The largest number, without a file: at most 999,999.
    pub largest: usize,
    /// FNV-1a hash of the file in 16 hexadecimal digits, filled in when a run starts; a run is never continued with
    /// other pairs. Empty: any pairs.
    #[serde(default)]
    pub fingerprint: String,
}

impl TranslateConfig {
    /// Reads the pairs, once, if there is a file.
    ///
    /// ```
    /// use qkv_train::{Language, Level, Task, TranslateConfig, Translation};
    ///
    /// let config = TranslateConfig {
    ///     pairs: "".into(),
    ///     level: Level::Character,
    ///     max_len: 40,
    ///     min_count: 1,
    ///     from: Language::German,
    ///     to: Language::Digits,
    ///     largest: 99,
    ///     fingerprint: String::new(),
    /// };
    /// let task = config.load()?;
    /// let input = task.input("einundzwanzig")?;
    /// assert_eq!(task.text(&input[..task.source_len()]), "einundzwanzig");
    /// # Ok::<(), qkv_train::TrainError>(())
    /// ```
    ///
    /// # Errors
    /// If a setting is out of range, the file cannot be read or used, or it is not the one that the fingerprint belongs
    /// to.
    pub fn load(&self) -> Result<Translate, TrainError> {
        self.load_by(pairs_file::read, from_anywhere)
    }

    /// The same where the bytes of the file are in memory already, for what has no files.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn of_bytes(&self, bytes: Vec<u8>) -> Result<Translate, TrainError> {
        self.load_by(|path| pairs_file::of_bytes(path, bytes), Path::to_owned)
    }

    /// Reads the file by `read`, if there is one; the task keeps what `place` makes of its path.
    fn load_by(
        &self,
        read: impl FnOnce(&Path) -> Result<TextFile, TrainError>,
        place: impl FnOnce(&Path) -> PathBuf,
    ) -> Result<Translate, TrainError> {
        TrainError::between("task.max_len", self.max_len, 1, MAX_SIDE)?;
        TrainError::check_number("task.min_count", self.min_count, "at least 1", self.min_count >= 1)?;
        TrainError::between("task.largest", self.largest, 99, names::LARGEST)?;
        if self.pairs.as_os_str().is_empty() {
            let expected = "`character` without a file, because a number is one word; name one by task.pairs";
            TrainError::in_range(self.level == Level::Character, "task.level", expected, "word")?;
            let numbers = Numbers::new(self.from, self.to, self.largest)?;
            return Ok(Translate { config: self.clone(), pairs: Pairs::Numbers(numbers) });
        }
        let file = read(&self.pairs)?;
        if let Some(fault) = file.changed(&self.fingerprint) {
            return Err(TrainError::pairs(&self.pairs, PairsFault::Text(fault)));
        }
        let lines = Lines::new(self, &file.text)?;
        let config = Self { pairs: place(&self.pairs), fingerprint: file.fingerprint, ..self.clone() };
        Ok(Translate { config, pairs: Pairs::Lines(lines) })
    }
}

/// Most tokens of a side of a pair: both have to fit into the longest input of a task.
const MAX_SIDE: usize = crate::task::symbols::MAX_LEN / 2 - 1;

/// Write a text in another language
/// ([Sutskever et al. 2014](https://arxiv.org/abs/1409.3215);
/// [Bahdanau et al. 2015](https://arxiv.org/abs/1409.0473), whose figure 3 is its attention).
///
/// ```text
/// source   einundzwanzig   □ □ …        padding up to the longest source
/// input    ⊢ t w e n t y - o n e        the answer so far
/// target   t w e n t y - o n e ⊣        its next character, then its end
/// ```
///
/// Without a file, numbers of 1 to 6 digits are drawn, each length as often as the others, and one in eight numbers each
/// is held out for validation and test; those below 100, or below 10 where none has four digits, are always in training,
/// because they are the words of the language. The pairs of a file are put into an order by a hash of their sources, of which
/// the first eighth is the test, the second the validation part, so that the same source is never in two parts.
#[derive(Debug, Clone)]
pub struct Translate {
    config: TranslateConfig,
    pairs: Pairs,
}

/// Where pairs come from.
#[derive(Debug, Clone)]
enum Pairs {
    Numbers(Numbers),
    Lines(Lines),
}

impl Translate {
    fn packing(&self) -> Packing {
        match &self.pairs {
            Pairs::Numbers(numbers) => numbers.packing(),
            Pairs::Lines(lines) => lines.packing(),
        }
    }

    fn lines(&self) -> Option<&Lines> {
        match &self.pairs {
            Pairs::Numbers(_) => None,
            Pairs::Lines(lines) => Some(lines),
        }
    }
}

impl Task for Translate {
    fn summary(&self) -> String {
        match &self.pairs {
            Pairs::Numbers(numbers) => numbers.summary(),
            Pairs::Lines(lines) => lines.summary(&self.config),
        }
    }

    fn vocabulary(&self) -> Vec<String> {
        match &self.pairs {
            Pairs::Numbers(numbers) => numbers.labels(),
            Pairs::Lines(lines) => lines.labels(),
        }
    }

    fn seq_len(&self) -> usize {
        self.packing().seq_len()
    }

    fn source_len(&self) -> usize {
        self.packing().source_len
    }

    fn padding(&self) -> Option<u32> {
        Some(PADDING)
    }

    fn needs_causal_mask(&self) -> bool {
        true
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        match &self.pairs {
            Pairs::Numbers(numbers) => numbers.sample(rng),
            Pairs::Lines(lines) => lines.sample(rng),
        }
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        self.packing().targets(tokens)
    }

    fn slices(&self) -> Vec<String> {
        self.packing().slices()
    }

    fn slice(&self, _: &[u32], position: usize) -> Option<usize> {
        self.packing().slice(position)
    }

    /// That of the number.
    fn split(&self, tokens: &[u32]) -> Split {
        match &self.pairs {
            Pairs::Numbers(numbers) => numbers.split(tokens),
            Pairs::Lines(_) => Split::of(self.packing().answer(tokens)),
        }
    }

    fn n_bytes(&self) -> u64 {
        self.lines().map_or(0, Lines::n_bytes)
    }

    fn held_out_lists(&self) -> Option<&dyn HeldOutLists> {
        self.lines().map(|_| self as &dyn HeldOutLists)
    }

    fn corpus(&self) -> Option<&dyn Corpus> {
        self.lines().map(|_| self as &dyn Corpus)
    }

    fn translation(&self) -> Option<&dyn Translation> {
        Some(self)
    }
}

/// Of a file alone.
impl HeldOutLists for Translate {
    fn n_held_out(&self, split: Split) -> u64 {
        self.lines().map_or(0, |lines| lines.n(split) as u64)
    }

    fn held_out(&self, split: Split, index: u64) -> Example {
        let lines = self.lines().expect("only a file has lists");
        Example::new(self, lines.input(split, index as usize))
    }
}

/// Of a file alone.
impl Corpus for Translate {
    /// The fingerprint of the file, and a path that holds in any folder.
    fn resolved_settings(&self) -> Map<String, Value> {
        let TranslateConfig { pairs, fingerprint, .. } = &self.config;
        let settings = [("pairs", pairs.to_string_lossy()), ("fingerprint", fingerprint.into())];
        settings.map(|(key, value)| (key.to_owned(), value.into())).into_iter().collect()
    }

    fn unit(&self) -> &str {
        self.config.level.name()
    }

    fn text(&self, tokens: &[u32]) -> String {
        Translation::text(self, tokens)
    }
}

impl Translation for Translate {
    fn end(&self) -> u32 {
        END
    }

    fn input(&self, source: &str) -> Result<Vec<u32>, TrainError> {
        let source = match &self.pairs {
            Pairs::Numbers(numbers) => numbers.tokens(source)?,
            Pairs::Lines(lines) => lines.tokens(source),
        };
        let packing = self.packing();
        TrainError::source_fits(source.len(), packing.source_len)?;
        Ok(packing.pack(&source, &[]))
    }

    fn unknown(&self, source: &str) -> Vec<UnknownSymbol> {
        self.lines().map_or_else(Vec::new, |lines| lines.unknown(source))
    }

    fn text(&self, tokens: &[u32]) -> String {
        let tokens = self.packing().as_far_as_end(tokens);
        match &self.pairs {
            Pairs::Numbers(numbers) => numbers.text(tokens),
            Pairs::Lines(lines) => lines.text(tokens),
        }
    }

    fn reference(&self, tokens: &[u32]) -> String {
        match &self.pairs {
            Pairs::Numbers(_) => Translation::text(self, tokens),
            Pairs::Lines(lines) => lines.reference(self.packing().as_far_as_end(tokens)),
        }
    }
}
