//! What there is to learn: a task draws inputs and has the right answer to each.
//!
//! A new task is a file here with a `mod` line below, its defaults in `configs/`, and one line of `Registry::new` in
//! `registry/mod.rs`. How a config names one lies in `registry/`.

mod autoregressive;
mod chars;
mod copy;
mod induction;
mod inputs;
mod max;
mod modular_addition;
mod ngram;
mod optional;
mod recall;
mod reverse;
mod sort;
mod sorted_list;
mod split;
mod symbols;
mod text_file;

pub use chars::{Chars, CharsConfig};
pub use copy::Copy;
pub use induction::{Induction, InductionForm};
pub use inputs::Inputs;
pub use max::Max;
pub use modular_addition::ModularAddition;
pub use optional::{Corpus, HeldOutLists};
pub use recall::{Layout, Recall};
pub use reverse::Reverse;
pub use sort::Sort;
pub use sorted_list::SortedList;
pub use split::{Examples, Split, draw};

use std::fmt::{self, Debug, Formatter};

use qkv_model::random::Rng;

use crate::error::TrainError;

/// A distribution over inputs, and the right answer to each of them.
///
/// That is all that a task needs: [`draw`] turns it into examples that are a function of (seed, split, index), with
/// training, validation and test examples disjoint by construction. Its name is that of its entry in a
/// [`Registry`](crate::Registry).
pub trait Task: Send + Sync {
    /// One line: what goes in and what has to come out.
    fn summary(&self) -> String;

    /// The label of each token; the index is the token.
    fn vocabulary(&self) -> Vec<String>;

    /// Number of positions of every input.
    fn seq_len(&self) -> usize;

    /// Draws an input, `seq_len * stack` tokens, position by position.
    fn sample(&self, rng: &mut Rng) -> Vec<u32>;

    /// The right answer at each of the `seq_len` positions; `None` where a position carries no loss.
    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>>;

    /// Number of tokens that share one position; 1 by default.
    fn stack(&self) -> usize {
        1
    }

    /// Whether an input holds an answer after the position that it belongs to, so that a model must not look ahead;
    /// `false` by default.
    fn needs_causal_mask(&self) -> bool {
        false
    }

    /// Names of the parts into which the targets are divided for metrics such as
    /// [`slice-loss`](crate::SliceLoss); by default the positions.
    fn slices(&self) -> Vec<String> {
        (0..self.seq_len()).map(|position| position.to_string()).collect()
    }

    /// The index of the slice that the target at a position is in; `None` in none of them. By default the position.
    fn slice(&self, tokens: &[u32], position: usize) -> Option<usize> {
        let _ = tokens;
        Some(position)
    }

    /// Refuses settings that are out of range; a [`Registry`](crate::Registry) calls it once. Any fit by default.
    ///
    /// # Errors
    /// If a setting is out of range.
    fn check(&self) -> Result<(), TrainError> {
        Ok(())
    }

    /// The one split that an input belongs to; [`Split::of`] by default. Tasks with [`HeldOutLists`] have no use for
    /// it.
    fn split(&self, tokens: &[u32]) -> Split {
        Split::of(tokens)
    }

    /// Bytes of the data that it holds in memory, such as a text; 0 by default.
    fn n_bytes(&self) -> u64 {
        0
    }

    /// All inputs, where they can be numbered.
    fn inputs(&self) -> Option<Inputs<'_>> {
        None
    }

    /// `Some(self)` where the held-out splits are lists.
    fn held_out_lists(&self) -> Option<&dyn HeldOutLists> {
        None
    }

    /// `Some(self)` where the inputs come out of data such as a text.
    fn corpus(&self) -> Option<&dyn Corpus> {
        None
    }
}

impl Debug for dyn Task + '_ {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
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
