//! The second demonstration: content tells where to look, and no two inputs have the same map.

use qkv_model::random::Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, seq::index};
use serde::{Deserialize, Serialize};

use super::{Task, symbols};
use crate::error::TrainError;

/// Remember which value stood with which key.
///
/// ```text
/// position   0   1   2  |  3   4   5
/// key        d   a   g  |  G   D   A        each key is asked for once, in another order
/// value      7   2   5  |  ·   ·   ·        key and value share a position
/// target     ·   ·   ·  |  5   7   2
/// ```
///
/// A key is asked for by a token of its own (`D` asks for `d`): with fixed embeddings the two have nothing in common
/// until W_Q and W_K learn to bring them together. Key and value share a position, so one layer can do it; where they
/// follow each other, a value does not know its key until an earlier layer has carried the key over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recall {
    /// Number of pairs to remember; an input has `2 * n_pairs` positions.
    pub n_pairs: usize,
    /// Number of different keys.
    pub n_keys: usize,
    /// Number of different values.
    pub n_values: usize,
}

impl Recall {
    /// # Errors
    /// If a size is out of range.
    pub fn check(&self) -> Result<(), TrainError> {
        symbols::check("task.n_pairs", self.n_pairs, 1, symbols::MAX_LEN / 2)?;
        symbols::check("task.n_keys", self.n_keys, self.n_pairs, symbols::MAX_SYMBOLS)?;
        symbols::check("task.n_values", self.n_values, 2, symbols::MAX_SYMBOLS)
    }

    /// The token that asks for a key.
    fn question(&self, key: u32) -> u32 {
        self.n_keys as u32 + key
    }

    fn value(&self, value: u32) -> u32 {
        2 * self.n_keys as u32 + value
    }

    /// Stands where a question has no value.
    fn blank(&self) -> u32 {
        (2 * self.n_keys + self.n_values) as u32
    }
}

impl Task for Recall {
    fn name(&self) -> &str {
        "recall"
    }

    fn summary(&self) -> String {
        format!(
            "remember {} pairs of a key out of {} and a value out of {}, and answer for each key",
            self.n_pairs, self.n_keys, self.n_values
        )
    }

    fn vocabulary(&self) -> Vec<String> {
        let letter = |first: u8, key: usize| match u8::try_from(key) {
            Ok(offset) if offset < 26 && self.n_keys <= 26 => char::from(first + offset).to_string(),
            _ => format!("{}{key}", char::from(first)),
        };
        let keys = (0..self.n_keys).map(|key| letter(b'a', key));
        let questions = (0..self.n_keys).map(|key| letter(b'A', key));
        let values = (0..self.n_values).map(|value| value.to_string());
        keys.chain(questions).chain(values).chain(["·".to_owned()]).collect()
    }

    fn seq_len(&self) -> usize {
        2 * self.n_pairs
    }

    fn stack(&self) -> usize {
        2
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        let mut keys: Vec<u32> =
            index::sample(rng, self.n_keys, self.n_pairs).iter().map(|key| key as u32).collect();
        keys.shuffle(rng);
        let mut tokens = Vec::with_capacity(4 * self.n_pairs);
        for &key in &keys {
            tokens.extend([key, self.value(rng.random_range(0..self.n_values as u32))]);
        }
        keys.shuffle(rng);
        tokens.extend(keys.iter().flat_map(|&key| [self.question(key), self.blank()]));
        tokens
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        let (pairs, questions) = tokens.split_at(2 * self.n_pairs);
        let answer = |question: u32| {
            let pair = pairs.chunks_exact(2).find(|pair| self.question(pair[0]) == question);
            pair.map(|pair| pair[1])
        };
        std::iter::repeat_n(None, self.n_pairs)
            .chain(questions.chunks_exact(2).map(|question| answer(question[0])))
            .collect()
    }
}
