//! Where to look depends on everything that was read: minGPT's sorting demo.

use qkv_model::random::Rng;
use serde::{Deserialize, Serialize};

use super::autoregressive;
use crate::error::TrainError;
use crate::task::{Inputs, Task, symbols};

/// Say the symbols in ascending order, one at a time
/// ([minGPT, `demo.ipynb`](https://github.com/karpathy/minGPT/blob/master/demo.ipynb)).
///
/// ```text
/// position   0  1  2  3  4  5  6  7  8  9  10
/// input      0  0  2  1  0  1 | 0  0  0  1  1        the sequence, then the answer so far
/// target     ·  ·  ·  ·  ·  0 | 0  0  1  1  2        the next symbol in order
/// ```
///
/// Where to look depends on content and on positions. Sinusoidal positions and fixed embeddings keep the comparison of
/// the variants fair, because learned ones could take over the comparison of the symbols. With the default's two layers
/// and MLP the matrices buy little here: on seed 0, learned and frozen ones both get 0.990 of the inputs right, none
/// 0.930. Learned embeddings (`model.embeddings = "learned"`) get the last input in a hundred too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    /// Length of the sequence that is sorted; an input has `2 * len - 1` positions.
    pub len: usize,
    /// Number of different symbols.
    pub n_symbols: usize,
}

impl Task for Sort {
    fn summary(&self) -> String {
        format!("sort {} symbols from an alphabet of {}", self.len, self.n_symbols)
    }

    fn vocabulary(&self) -> Vec<String> {
        symbols::numbers(self.n_symbols)
    }

    fn seq_len(&self) -> usize {
        2 * self.len - 1
    }

    fn needs_causal_mask(&self) -> bool {
        true
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        with_answer(symbols::sample(rng, self.len, self.n_symbols))
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        autoregressive::targets(self.len - 1, symbols::sorted(&tokens[..self.len]))
    }

    fn check(&self) -> Result<(), TrainError> {
        TrainError::between("task.len", self.len, 2, symbols::MAX_LEN / 2)?;
        TrainError::between("task.n_symbols", self.n_symbols, 2, symbols::MAX_SYMBOLS)
    }

    fn inputs(&self) -> Option<Inputs<'_>> {
        Some(Inputs::of_strings(self.len, self.n_symbols, with_answer))
    }
}

fn with_answer(sequence: Vec<u32>) -> Vec<u32> {
    let answer = symbols::sorted(&sequence);
    autoregressive::input(sequence, answer)
}
