//! The smallest circuit worth reading: one query, one score per symbol, and the largest wins.

use qkv_model::random::Rng;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::task::{Inputs, Task, symbols};

/// Name the largest of the digits
/// ([Arditi, puzzle 1a of April 2026](https://github.com/andyrdt/puzzles/tree/main/04_2026), without its separators).
///
/// ```text
/// position   0  1  2  3  4  5
/// input      3  1  4  1  3  ?
/// target     ·  ·  ·  ·  ·  4
/// ```
///
/// Content alone tells where to look. No positions and fixed embeddings keep the comparison of the variants fair,
/// because learned embeddings would line the digits up along `?` without W_Q and W_K.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Max {
    /// Number of digits; an input has `len + 1` positions.
    pub len: usize,
    /// Number of different digits.
    pub n_symbols: usize,
}

impl Max {
    fn asked(&self, mut digits: Vec<u32>) -> Vec<u32> {
        digits.push(self.n_symbols as u32);
        digits
    }
}

impl Task for Max {
    fn summary(&self) -> String {
        format!("name the largest of {} digits out of {}", self.len, self.n_symbols)
    }

    fn vocabulary(&self) -> Vec<String> {
        symbols::and(symbols::numbers(self.n_symbols), "?")
    }

    fn seq_len(&self) -> usize {
        self.len + 1
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        self.asked(symbols::sample(rng, self.len, self.n_symbols))
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        let mut targets = vec![None; self.len];
        targets.push(tokens[..self.len].iter().max().copied());
        targets
    }

    fn check(&self) -> Result<(), TrainError> {
        TrainError::between("task.len", self.len, 2, symbols::MAX_LEN - 1)?;
        TrainError::between("task.n_symbols", self.n_symbols, 2, symbols::MAX_SYMBOLS)
    }

    fn inputs(&self) -> Option<Inputs<'_>> {
        Some(Inputs::of_strings(self.len, self.n_symbols, |digits| self.asked(digits)))
    }
}
