//! What some tasks offer besides examples that they draw: lists of held-out examples, a corpus, answers to be written.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use qkv_run::Baseline;
use serde_json::{Map, Value};

use super::{Example, Split, Task, symbols};
use crate::error::TrainError;
use crate::measure::{Asked, EvaluationProgress};

/// A task whose validation and test splits are lists: an evaluation takes their examples in order, and none twice. Its
/// [`Task::sample`] draws training inputs alone.
pub trait HeldOutLists {
    /// Number of examples of a held-out split.
    fn n_held_out(&self, split: Split) -> u64;

    /// Example number `index`, below [`n_held_out`](Self::n_held_out).
    fn held_out(&self, split: Split, index: u64) -> Example;
}

/// A task over data that it was given, such as a text, instead of inputs that it makes up.
pub trait Corpus: Task {
    /// The settings that follow from the data, such as its fingerprint; they replace those of the same names in a run's
    /// config. None by default.
    fn resolved_settings(&self) -> Map<String, Value> {
        Map::new()
    }

    /// What simpler models reach on the targets of a held-out split, from the simplest on, for as long as `ask` answers
    /// `Continue`; it is to be called several times a second, with how much of the work is done, in any unit. None by
    /// default.
    fn baselines(
        &self,
        split: Split,
        ask: &mut dyn FnMut(EvaluationProgress) -> ControlFlow<()>,
    ) -> Asked<Vec<Baseline>> {
        let _ = (split, ask);
        ControlFlow::Continue(Vec::new())
    }

    /// Bytes of memory that [`baselines`](Self::baselines) takes at once beside the data; 0 by default.
    fn n_bytes_of_baselines(&self) -> u64 {
        0
    }

    /// What one target is called where losses are compared; "target" by default.
    fn unit(&self) -> &str {
        "target"
    }

    /// What a sample of [`generate`](crate::generate) starts from. By default `None`: no sample is generated.
    fn prompt(&self) -> Option<Vec<u32>> {
        None
    }

    /// Tokens as text to read; by default their labels side by side.
    fn text(&self, tokens: &[u32]) -> String {
        let vocabulary = self.vocabulary();
        tokens.iter().map(|&token| vocabulary[token as usize].as_str()).collect()
    }
}

/// A symbol of a source that a vocabulary lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSymbol {
    /// The character or word.
    pub symbol: String,
    /// Where it stands among the symbols of the source, from 1 on.
    pub position: usize,
}

/// Symbols that a message names.
const NAMED: usize = 10;

impl UnknownSymbol {
    /// Symbols as a message names them, each where it stands first: "`ß` (character 5), `é` (character 9)"; `unit` is
    /// what one of them is called.
    pub fn list(symbols: &[Self], unit: &str) -> String {
        let mut found = BTreeSet::new();
        let different: Vec<&Self> = symbols.iter().filter(|symbol| found.insert(&symbol.symbol)).collect();
        let name = |symbol: &&Self| {
            let shown: String = symbol.symbol.chars().map(symbols::character).collect();
            format!("`{shown}` ({unit} {})", symbol.position)
        };
        let names: Vec<String> = different.iter().take(NAMED).map(name).collect();
        match different.len().saturating_sub(NAMED) {
            0 => names.join(", "),
            n => format!("{} and {n} more", names.join(", ")),
        }
    }
}

/// A task whose inputs are pairs: a source, and behind it the answer that a model is to write, token by token.
///
/// ```text
/// input      source, [source_len] positions with its padding  |  begin  a_0  a_1  …  a_{n-1}  padding
/// target     none                                             |  a_0    a_1  a_2  …  end      none
/// ```
///
/// `source_len` is [`Task::source_len`]. Targets stand at the positions from there on, without a gap.
/// [`write_answers`](crate::write_answers) has a model write answers of its own.
pub trait Translation: Task {
    /// The token that ends an answer.
    fn end(&self) -> u32;

    /// The input of a source whose answer is to be written: all of its positions, with nothing behind the token that begins
    /// an answer.
    ///
    /// # Errors
    /// If the source is too long, or has a symbol that the vocabulary lacks.
    fn input(&self, source: &str) -> Result<Vec<u32>, TrainError>;

    /// The symbols of a source that the vocabulary lacks and for each of which another token, such as `<unk>`, stands in
    /// the [input](Self::input); none by default.
    fn unknown(&self, source: &str) -> Vec<UnknownSymbol> {
        let _ = source;
        Vec::new()
    }

    /// The text of tokens, up to the one that ends an answer.
    fn text(&self, tokens: &[u32]) -> String;

    /// The text of a right answer, with which [that](Self::text) of a model is compared: what stands there for a symbol
    /// that the vocabulary lacks is something else than what a model writes for it. The same by default.
    fn reference(&self, tokens: &[u32]) -> String {
        self.text(tokens)
    }
}
