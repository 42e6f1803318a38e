//! The pairs of a file as tokens, in three parts that share no source.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use qkv_model::random::{Rng, fnv1a};
use rand::RngExt;

use super::symbols::Level;
use super::{TranslateConfig, pairs_file};
use crate::error::{PairsFault, TrainError, counted};
use crate::task::pair::packing::{FIRST, Packing, SIGNS};
use crate::task::symbols::MAX_SYMBOLS;
use crate::task::{Split, UnknownSymbol};

/// The token of a symbol that the vocabulary lacks.
const UNKNOWN: u32 = FIRST;

/// Its label.
const UNKNOWN_LABEL: &str = "<unk>";

/// What stands for it in what a model writes
/// ([Kudo and Richardson 2018](https://arxiv.org/abs/1808.06226) have it there, too).
const UNKNOWN_WRITTEN: &str = "⁇";

/// What stands for it in a right answer: another symbol, so that an unknown word is never taken for the right one.
const UNKNOWN_RIGHT: &str = "\u{fffd}";

/// One in so many sources is for the test, another for validation.
const PARTS: usize = 8;

/// The pairs of a file.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    level: Level,
    /// In ascending order; the tokens follow that of the unknown one.
    symbols: Vec<String>,
    /// Sources and answers, one after the other.
    tokens: Vec<u32>,
    /// Where those of each pair lie, test first, then validation, then training.
    pairs: Vec<[Range<usize>; 2]>,
    /// Pairs of the test and the validation part.
    n_held_out: [usize; 2],
    packing: Packing,
    /// Pairs with a side that was too long.
    n_left_out: usize,
    /// Different symbols of the training part that are unknown, because they are rare.
    n_rare: usize,
}

impl Lines {
    /// # Errors
    /// If a line is no pair, or there are too few pairs or too many different symbols.
    pub fn new(config: &TranslateConfig, text: &str) -> Result<Self, TrainError> {
        let (path, level) = (&config.pairs, config.level);
        let mut sides = pairs_file::sides(path, text)?;
        let n_pairs = sides.len();
        let is_short = |side: &str| level.split(side).len() <= config.max_len;
        sides.retain(|(source, target)| is_short(source) && is_short(target));
        let n_left_out = n_pairs - sides.len();
        // Files are often sorted, by the length of a line for example; the hash is not.
        sides.sort_by_cached_key(|(source, _)| (fnv1a(source.as_bytes()), *source));
        let n_sources = sides.chunk_by(|one, next| one.0 == next.0).count();
        if n_sources < PARTS {
            let fault = PairsFault::TooFew { n_sources, needed: PARTS, n_left_out, max_len: config.max_len };
            return Err(TrainError::pairs(path, fault));
        }
        let n_of_part = n_sources / PARTS;
        let lens = sides.chunk_by(|one, next| one.0 == next.0).map(<[_]>::len);
        let until = |n_sources: usize| lens.clone().take(n_sources).sum::<usize>();
        let n_held_out = [until(n_of_part), until(2 * n_of_part) - until(n_of_part)];
        let training = &sides[n_held_out.iter().sum()..];
        let counts = counts(level, training);
        let is_known = |&(_, &count): &(&String, &usize)| count >= config.min_count;
        let symbols: Vec<String> = counts.iter().filter(is_known).map(|(symbol, _)| symbol.clone()).collect();
        let n_rare = counts.len() - symbols.len();
        if symbols.len() + SIGNS.len() >= MAX_SYMBOLS {
            let fault = PairsFault::TooManySymbols {
                symbol: level.name(),
                found: symbols.len(),
                most: MAX_SYMBOLS - SIGNS.len() - 1,
            };
            return Err(TrainError::pairs(path, fault));
        }
        let mut lines = Self {
            level,
            symbols,
            tokens: Vec::new(),
            pairs: Vec::with_capacity(sides.len()),
            n_held_out,
            packing: Packing::of_longest(0, 0),
            n_left_out,
            n_rare,
        };
        let mut longest = [0; 2];
        for (source, target) in sides {
            let mut side = [source, target].map(|side| lines.add(side)).into_iter();
            let pair = [side.next().unwrap_or_default(), side.next().unwrap_or_default()];
            for (longest, side) in longest.iter_mut().zip(&pair) {
                *longest = (*longest).max(side.len());
            }
            lines.pairs.push(pair);
        }
        lines.packing = Packing::of_longest(longest[0], longest[1]);
        Ok(lines)
    }

    /// Keeps the tokens of a side.
    fn add(&mut self, side: &str) -> Range<usize> {
        let (start, tokens) = (self.tokens.len(), self.tokens(side));
        self.tokens.extend(tokens);
        start..self.tokens.len()
    }

    pub fn summary(&self, config: &TranslateConfig) -> String {
        let file = config.pairs.file_name().unwrap_or_default().display();
        let (n_pairs, n_symbols) = (self.pairs.len(), self.symbols.len());
        let name = self.level.name();
        let mut summary = format!("translate {n_pairs} pairs of {file}, {n_symbols} different {name}s");
        if self.n_rare > 0 {
            let rare = counted(self.n_rare, &format!("rare {name}"));
            let verb = if self.n_rare == 1 { "is" } else { "are" };
            summary += &format!("; {rare} {verb} {UNKNOWN_LABEL}");
        }
        if self.n_left_out > 0 {
            let pairs = counted(self.n_left_out, "longer pair");
            summary += &format!("; {pairs} left out");
        }
        summary
    }

    pub fn labels(&self) -> Vec<String> {
        let signs = SIGNS.into_iter().map(String::from).chain([UNKNOWN_LABEL.to_owned()]);
        signs.chain(self.symbols.iter().map(|symbol| self.level.label(symbol))).collect()
    }

    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// Four bytes a token, and where those of each pair lie.
    pub fn n_bytes(&self) -> u64 {
        (4 * self.tokens.len() + self.pairs.len() * size_of::<[Range<usize>; 2]>()) as u64
    }

    fn part(&self, split: Split) -> Range<usize> {
        let [n_test, n_validation] = self.n_held_out;
        match split {
            Split::Test => 0..n_test,
            Split::Validation => n_test..n_test + n_validation,
            Split::Train => n_test + n_validation..self.pairs.len(),
        }
    }

    /// Number of pairs of a split.
    pub fn n(&self, split: Split) -> usize {
        self.part(split).len()
    }

    /// Pair number `index` of a split.
    pub fn input(&self, split: Split, index: usize) -> Vec<u32> {
        let [source, answer] = &self.pairs[self.part(split).start + index];
        self.packing.pack(&self.tokens[source.clone()], &self.tokens[answer.clone()])
    }

    pub fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        self.input(Split::Train, rng.random_range(0..self.n(Split::Train)))
    }

    /// The tokens of a line.
    pub fn tokens(&self, line: &str) -> Vec<u32> {
        self.level.split(line).iter().map(|symbol| self.token(symbol)).collect()
    }

    /// The symbols of a line for which the unknown one stands.
    pub fn unknown(&self, line: &str) -> Vec<UnknownSymbol> {
        let symbols = self.level.split(line).into_iter().enumerate();
        let unknown = symbols.filter(|(_, symbol)| self.token(symbol) == UNKNOWN);
        let named =
            |(at, symbol): (usize, Cow<str>)| UnknownSymbol { symbol: symbol.into_owned(), position: at + 1 };
        unknown.map(named).collect()
    }

    fn token(&self, symbol: &str) -> u32 {
        let found = self.symbols.binary_search_by(|known| known.as_str().cmp(symbol));
        found.map_or(UNKNOWN, |index| UNKNOWN + 1 + index as u32)
    }

    /// What a model has written.
    pub fn text(&self, tokens: &[u32]) -> String {
        self.joined(tokens, UNKNOWN_WRITTEN)
    }

    /// A right answer.
    pub fn reference(&self, tokens: &[u32]) -> String {
        self.joined(tokens, UNKNOWN_RIGHT)
    }

    fn joined(&self, tokens: &[u32], unknown: &str) -> String {
        let symbol = |&token: &u32| match token {
            UNKNOWN => Some(unknown),
            _ => self.symbols.get(token.checked_sub(UNKNOWN + 1)? as usize).map(String::as_str),
        };
        self.level.join(tokens.iter().filter_map(symbol))
    }
}

/// How often each symbol stands in these pairs.
fn counts(level: Level, sides: &[(&str, &str)]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for side in sides.iter().flat_map(|&(source, target)| [source, target]) {
        for symbol in level.split(side) {
            match counts.get_mut(&*symbol) {
                Some(count) => *count += 1,
                None => drop(counts.insert(symbol.into_owned(), 1)),
            }
        }
    }
    counts
}
