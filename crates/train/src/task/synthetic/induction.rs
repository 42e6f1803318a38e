//! The pattern behind in-context learning: what followed the last time follows again.

use qkv_model::one_of;
use qkv_model::random::Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::task::{Task, symbols};

/// Say what followed the same symbol the last time
/// ([Olsson et al. 2022](https://transformer-circuits.pub/2022/in-context-learning-and-induction-heads/index.html)).
///
/// `repeated`: a few distinct symbols, over and over
/// ```text
/// position   0  1  2  3  4  5  6  7
/// input      H  C  J  H  C  J  H  C        as many symbols as fit between a quarter and half of the positions
/// target     ·  ·  ·  C  J  H  C  J        from the first symbol that comes again on
/// ```
///
/// `safari`: one pair to remember
/// ([Fu et al. 2023, section 3](https://arxiv.org/abs/2212.14052), [safari](https://github.com/HazyResearch/safari))
/// ```text
/// position   0  1  2  3  4  5  6  7
/// input      D  B  ★  E  B  F  J  ★        random symbols, `★` at a random place and at the end
/// target     ·  ·  ·  ·  ·  ·  ·  E        what followed the first `★`
/// ```
///
/// It takes two layers: the position of a symbol holds nothing of the symbol before it until an earlier layer has
/// carried that one position forward. The length of the repeated part changes from input to input, because with one
/// fixed length a single layer could look a fixed distance back, as in `copy`.
///
/// Sinusoidal positions and fixed embeddings keep the comparison of the variants fair: the step forward is a matter of
/// positions and the match one of symbols, and learned ones could take over either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Induction {
    /// Which inputs are drawn.
    #[serde(deserialize_with = "one_of")]
    pub form: InductionForm,
    /// Number of positions; 30 in safari.
    pub seq_len: usize,
    /// Number of different symbols, besides `★`; 19 in safari.
    pub n_symbols: usize,
}

/// Which inputs [`Induction`] draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InductionForm {
    /// Distinct symbols, over and over.
    Repeated,
    /// One pair among random symbols, asked for at the end.
    Safari,
}

impl Induction {
    fn star(&self) -> u32 {
        self.n_symbols as u32
    }
}

impl Task for Induction {
    fn summary(&self) -> String {
        let Self { form, seq_len, n_symbols } = self;
        match form {
            InductionForm::Repeated => {
                format!(
                    "continue a repeated string of different symbols out of {n_symbols}, {seq_len} positions"
                )
            }
            InductionForm::Safari => {
                format!("answer which of {n_symbols} symbols followed the ★, {seq_len} positions")
            }
        }
    }

    fn vocabulary(&self) -> Vec<String> {
        match self.form {
            InductionForm::Repeated => symbols::letters(self.n_symbols),
            InductionForm::Safari => symbols::and(symbols::letters(self.n_symbols), "★"),
        }
    }

    fn seq_len(&self) -> usize {
        self.seq_len
    }

    fn needs_causal_mask(&self) -> bool {
        self.form == InductionForm::Repeated
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        let Self { form, seq_len, n_symbols } = *self;
        match form {
            InductionForm::Repeated => {
                let n_distinct = rng.random_range(seq_len.div_ceil(4).max(2)..=seq_len / 2);
                let distinct = symbols::sample_distinct(rng, n_distinct, n_symbols);
                distinct.into_iter().cycle().take(seq_len).collect()
            }
            InductionForm::Safari => {
                let mut tokens = symbols::sample(rng, seq_len, n_symbols);
                // What follows the first star must be a symbol, not the last star.
                tokens[rng.random_range(0..seq_len - 2)] = self.star();
                tokens[seq_len - 1] = self.star();
                tokens
            }
        }
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        let followed_last_time = |at: usize| {
            let before = tokens[..at].iter().rposition(|&token| token == tokens[at])?;
            Some(tokens[before + 1])
        };
        match self.form {
            InductionForm::Repeated => (0..self.seq_len).map(followed_last_time).collect(),
            InductionForm::Safari => {
                let mut targets = vec![None; self.seq_len - 1];
                targets.push(followed_last_time(self.seq_len - 1));
                targets
            }
        }
    }

    fn check(&self) -> Result<(), TrainError> {
        TrainError::between("task.seq_len", self.seq_len, 4, symbols::MAX_LEN)?;
        let n_needed = match self.form {
            InductionForm::Repeated => self.seq_len / 2,
            InductionForm::Safari => 2,
        };
        TrainError::between("task.n_symbols", self.n_symbols, n_needed, symbols::MAX_SYMBOLS)
    }
}
