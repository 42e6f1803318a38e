//! What there is to learn: a task draws inputs and knows the right answer to each.

mod choice;
mod copy;
mod recall;
mod reverse;
mod said;
mod sort;
mod split;
mod symbols;

pub use choice::TaskConfig;
pub use copy::Copy;
pub use recall::Recall;
pub use reverse::Reverse;
pub use sort::Sort;
pub use split::{Examples, Split, draw};

use qkv_model::random::Rng;

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
}
