//! Sorting without positions: the next number is the smallest one above the last.

use qkv_model::random::Rng;
use serde::{Deserialize, Serialize};

use super::autoregressive;
use crate::error::TrainError;
use crate::task::{Task, symbols};

/// Say distinct numbers in ascending order after a separator
/// ([ARENA 2.0](https://arena-chapter1-transformer-interp.streamlit.app/Monthly_Algorithmic_Challenge), challenge of
/// October 2023).
///
/// ```text
/// position   0  1  2    3   4  5
/// input      7  2  9   SEP  2  7         the list, the separator, then the answer so far
/// target     ·  ·  ·    2   7  9         the next number in order
/// ```
///
/// Because no number comes twice, the next one is the smallest above the previous answer, wherever it stands: content
/// alone tells where to look. No positions and fixed embeddings keep the comparison of the variants fair, because
/// learned embeddings would bring neighbouring numbers together without W_Q and W_K. The mask must be causal: the next
/// answer stands in the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortedList {
    /// Length of the list; an input has `2 * len` positions.
    pub len: usize,
    /// How many numbers the list is drawn from, at least `len`.
    pub n_symbols: usize,
}

impl SortedList {
    fn separator(&self) -> u32 {
        self.n_symbols as u32
    }
}

impl Task for SortedList {
    fn summary(&self) -> String {
        format!("sort {} distinct numbers out of {}", self.len, self.n_symbols)
    }

    fn vocabulary(&self) -> Vec<String> {
        symbols::and(symbols::numbers(self.n_symbols), "SEP")
    }

    fn seq_len(&self) -> usize {
        2 * self.len
    }

    fn needs_causal_mask(&self) -> bool {
        true
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        let mut tokens = symbols::sample_distinct(rng, self.len, self.n_symbols);
        let answer = symbols::sorted(&tokens);
        tokens.push(self.separator());
        autoregressive::input(tokens, answer)
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        autoregressive::targets(self.len, symbols::sorted(&tokens[..self.len]))
    }

    fn check(&self) -> Result<(), TrainError> {
        TrainError::between("task.len", self.len, 2, symbols::MAX_LEN / 2)?;
        TrainError::between("task.n_symbols", self.n_symbols, self.len, symbols::MAX_SYMBOLS)
    }
}
