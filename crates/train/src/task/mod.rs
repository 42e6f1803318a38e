//! What there is to learn: a task draws inputs and has the right answer to each.
//!
//! Here belong the tasks and the splits of their examples. How a config names one lies in `registry/`.

mod chars;
mod copy;
mod induction;
mod max;
mod modular_addition;
mod ngram;
mod recall;
mod reverse;
mod said;
mod sort;
mod sorted_list;
mod split;
mod symbols;
mod text_file;

pub use chars::{Chars, CharsConfig};
pub use copy::Copy;
pub use induction::{Induction, InductionForm};
pub use max::Max;
pub use modular_addition::ModularAddition;
pub use recall::{Layout, Recall};
pub use reverse::Reverse;
pub use sort::Sort;
pub use sorted_list::SortedList;
pub use split::{Examples, Split, draw};

use qkv_model::random::Rng;
use qkv_run::Baseline;
use serde_json::{Map, Value};

/// A distribution over inputs, and the right answer to each of them.
///
/// Nothing else has to be known: [`draw`] turns it into examples that are a function of (seed, split, index), with
/// training, validation and test examples disjoint by construction.
pub trait Task: Send + Sync {
    /// Names the task in run folders and on the screen.
    fn name(&self) -> &str;

    /// One line: what goes in and what has to come out.
    fn summary(&self) -> String;

    /// The label of each token; the index is the token.
    fn vocabulary(&self) -> Vec<String>;

    /// Number of positions of every input.
    fn seq_len(&self) -> usize;

    /// Number of tokens that share one position; 1 unless you say otherwise.
    fn stack(&self) -> usize {
        1
    }

    /// Whether an answer stands in the input after the position that asks for it, so that a model must not look ahead;
    /// `false` unless you say otherwise.
    fn is_told_later(&self) -> bool {
        false
    }

    /// Draws an input, `seq_len * stack` tokens, position by position.
    fn sample(&self, rng: &mut Rng) -> Vec<u32>;

    /// The right answer at each of the `seq_len` positions; `None` where a position carries no loss.
    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>>;

    /// How many different inputs there are, if they can be numbered by [`input`](Self::input).
    fn n_inputs(&self) -> Option<u64> {
        None
    }

    /// Input number `index` of [`n_inputs`](Self::n_inputs).
    fn input(&self, index: u64) -> Option<Vec<u32>> {
        let _ = index;
        None
    }

    /// The one split that an input belongs to; [`Split::of`] unless you say otherwise.
    fn split(&self, tokens: &[u32]) -> Split {
        Split::of(tokens)
    }

    /// Draws an input of one split, or `None` where this draw gave none; [`draw`] tries again.
    fn sample_from(&self, split: Split, rng: &mut Rng) -> Option<Vec<u32>> {
        let tokens = self.sample(rng);
        (self.split(&tokens) == split).then_some(tokens)
    }

    /// How many examples a held-out split consists of, where it is a list that can be gone through; then they are
    /// taken from [`held_out`](Self::held_out), in order, and none is evaluated twice. `None` for the training split.
    fn n_held_out(&self, split: Split) -> Option<u64> {
        let _ = split;
        None
    }

    /// Example number `index` of [`n_held_out`](Self::n_held_out).
    fn held_out(&self, split: Split, index: u64) -> Option<Example> {
        let _ = (split, index);
        None
    }

    /// What building the task found out and its config keeps, such as the fingerprint of a text: it replaces the settings
    /// of the same names. Nothing unless you say otherwise.
    fn found(&self) -> Map<String, Value> {
        Map::new()
    }

    /// What simpler models reach on the targets of a held-out split, from the simplest on; none unless you say so.
    fn baselines(&self, split: Split) -> Vec<Baseline> {
        let _ = split;
        Vec::new()
    }

    /// What one target is called where losses are compared: "target", unless you say otherwise.
    fn unit(&self) -> &str {
        "target"
    }

    /// What a sample of [`generate`](crate::generate) starts from; `None` where there is nothing to go on with.
    fn prompt(&self) -> Option<Vec<u32>> {
        None
    }

    /// Tokens as text to read: their labels side by side, unless you say otherwise.
    fn text(&self, tokens: &[u32]) -> String {
        let vocabulary = self.vocabulary();
        tokens.iter().map(|&token| vocabulary[token as usize].as_str()).collect()
    }
}

/// An input and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// `seq_len * stack` tokens, position by position.
    pub tokens: Vec<u32>,
    /// One a position; `None` carries no loss.
    pub targets: Vec<Option<u32>>,
}

impl Example {
    /// The example that belongs to an input.
    pub fn new(task: &dyn Task, tokens: Vec<u32>) -> Self {
        Self { targets: task.targets(&tokens), tokens }
    }

    /// Whether none of its positions carries loss.
    pub(crate) fn asks_nothing(&self) -> bool {
        self.targets.iter().all(Option::is_none)
    }
}
