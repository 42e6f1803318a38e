//! The main demonstration: position alone tells where to look, and the map shows an anti-diagonal.

use qkv_model::random::Rng;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::task::{Inputs, Task, symbols};

/// Reverse the sequence.
///
/// ```text
/// position   0  1  2  3  4  5
/// input      D  B  E  B  F  J
/// target     J  F  B  E  B  D        output 0 looks at input 5, output 1 at input 4, …
/// ```
///
/// Where to look depends on the position alone. Sinusoidal positions keep the comparison of the variants fair, because
/// learned ones would take over the work of W_Q and W_K; learned embeddings are fair, because the symbol itself is
/// no clue to where to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reverse {
    /// Length of the sequence.
    pub seq_len: usize,
    /// Number of different symbols.
    pub n_symbols: usize,
}

impl Task for Reverse {
    fn summary(&self) -> String {
        format!("reverse a sequence of {} symbols from an alphabet of {}", self.seq_len, self.n_symbols)
    }

    fn vocabulary(&self) -> Vec<String> {
        symbols::letters(self.n_symbols)
    }

    fn seq_len(&self) -> usize {
        self.seq_len
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        symbols::sample(rng, self.seq_len, self.n_symbols)
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        tokens.iter().rev().copied().map(Some).collect()
    }

    fn check(&self) -> Result<(), TrainError> {
        TrainError::between("task.seq_len", self.seq_len, 1, symbols::MAX_LEN)?;
        TrainError::between("task.n_symbols", self.n_symbols, 2, symbols::MAX_SYMBOLS)
    }

    fn inputs(&self) -> Option<Inputs<'_>> {
        Some(Inputs::of_strings(self.seq_len, self.n_symbols, |sequence| sequence))
    }
}
