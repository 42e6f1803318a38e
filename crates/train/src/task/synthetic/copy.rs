//! The simplest task that needs a memory: a fixed distance back, which the map shows as a shifted diagonal.

use qkv_model::random::Rng;
use serde::{Deserialize, Serialize};

use super::autoregressive;
use crate::error::TrainError;
use crate::task::{Inputs, Task, symbols};

/// Say the sequence again, one symbol at a time.
///
/// ```text
/// position   0  1  2  3  4  5  6
/// input      D  B  E  B | D  B  E        the sequence, then the answer so far
/// target     ·  ·  ·  D | B  E  B        the next symbol: always the one len - 1 positions back
/// ```
///
/// Where to look depends on the position alone. Positions and embeddings are those of [`Reverse`](super::Reverse), for
/// the same reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// Length of the sequence that is repeated; an input has `2 * len - 1` positions.
    pub len: usize,
    /// Number of different symbols.
    pub n_symbols: usize,
}

impl Task for Copy {
    fn summary(&self) -> String {
        format!("repeat a sequence of {} symbols from an alphabet of {}", self.len, self.n_symbols)
    }

    fn vocabulary(&self) -> Vec<String> {
        symbols::letters(self.n_symbols)
    }

    fn seq_len(&self) -> usize {
        2 * self.len - 1
    }

    fn needs_causal_mask(&self) -> bool {
        true
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        repeated(symbols::sample(rng, self.len, self.n_symbols))
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        autoregressive::targets(self.len - 1, tokens[..self.len].to_vec())
    }

    fn check(&self) -> Result<(), TrainError> {
        TrainError::between("task.len", self.len, 2, symbols::MAX_LEN / 2)?;
        TrainError::between("task.n_symbols", self.n_symbols, 2, symbols::MAX_SYMBOLS)
    }

    fn inputs(&self) -> Option<Inputs<'_>> {
        Some(Inputs::of_strings(self.len, self.n_symbols, repeated))
    }
}

fn repeated(sequence: Vec<u32>) -> Vec<u32> {
    autoregressive::input(sequence.clone(), sequence)
}
